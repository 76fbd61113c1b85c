"""Rules about the training run: learning rate, schedule, saving, keys."""
