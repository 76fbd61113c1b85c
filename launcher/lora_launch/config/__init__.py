"""The native configuration: its models, its text, and what a command line changes in it."""
