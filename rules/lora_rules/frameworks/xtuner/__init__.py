"""What we know of XTuner."""
