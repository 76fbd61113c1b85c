"""TRL's own command, driven by a file."""
