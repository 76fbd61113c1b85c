"""Tinker's client."""
