"""What we know of PEFT's record of an adapter."""
