"""What functions of Python itself do to the objects of a script."""
