"""The training process, started by ``accelerate launch``."""
