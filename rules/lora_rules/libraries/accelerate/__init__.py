"""What accelerate does to the objects of a script."""
