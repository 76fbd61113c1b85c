"""The gate: the configuration is linted as it will run, and what is certain to fail is refused."""
