"""A run: processes, attempts, the folder of a run, checkpoints and records."""
