"""What we know of SkyRL."""
