"""What we know of prime-rl."""
