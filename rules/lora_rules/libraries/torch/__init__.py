"""What torch does to the modules of a script."""
