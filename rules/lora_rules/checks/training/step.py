"""Learning rate times scale: how far a step really moves the adapter."""

from __future__ import annotations

HEADROOM = 2.5
"""How much more small models bear: torchtune's 0.5B and 1.5B recipes run at 0.128."""
