"""Frameworks that are asked, each in an environment of its own."""
