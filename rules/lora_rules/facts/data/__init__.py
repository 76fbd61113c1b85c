"""Facts about the training data."""
