"""Ludwig."""
