"""The rank, against the data it has to learn from."""

from __future__ import annotations

REINFORCEMENT = frozenset({"grpo", "ppo", "rloo", "gdpo", "reinforce"})
"""Methods where an example is played many times: its rows say little about the signal."""
