"""Fireworks's client."""
