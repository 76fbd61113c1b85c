"""Runs a configuration that lints clean."""
