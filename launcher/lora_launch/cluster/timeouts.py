"""How long the machines of a run wait, beside ``--node-timeout``."""

from __future__ import annotations

JOIN = 10
"""Machines may come together within so many times the time-out."""
FAREWELL = 5.0
"""Seconds that the first machine stays for the others to hear of the end."""
GRACE = 20.0
"""Seconds for workers to notice by themselves that others have ended."""
PAUSE = 0.2
