"""torchtune: what its configurations can name, and the arguments of each, by version."""
