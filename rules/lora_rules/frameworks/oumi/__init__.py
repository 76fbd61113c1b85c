"""What we know of Oumi."""
