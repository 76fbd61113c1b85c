"""What we know of lora-launch."""
