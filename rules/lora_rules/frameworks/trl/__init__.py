"""What we know of TRL."""
