"""What we know of kohya's sd-scripts."""
