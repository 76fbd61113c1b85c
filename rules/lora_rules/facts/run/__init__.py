"""Facts about the training run."""
