"""Units of what is counted."""

from __future__ import annotations

GIB = 2**30
"""Bytes of a GiB: GPUs are sold by it."""
