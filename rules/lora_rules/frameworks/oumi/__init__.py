"""Oumi."""
