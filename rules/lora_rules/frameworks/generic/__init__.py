"""What we know of a program that is not known."""
