"""Rules about the order of calls in a program."""
