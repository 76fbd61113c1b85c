"""What we know of PEFT."""
