"""What we know of Unsloth Studio."""
