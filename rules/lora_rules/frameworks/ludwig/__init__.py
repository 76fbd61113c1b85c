"""What we know of Ludwig."""
