"""What we know of Unsloth."""
