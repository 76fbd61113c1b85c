"""NeMo Automodel: the keys of its sections that become one class, by version."""
