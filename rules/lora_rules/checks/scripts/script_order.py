"""Steps of a script in an order in which nothing is trained, or not what was meant."""

from __future__ import annotations

from lora_rules.recipe import Call

Calls = tuple[Call, ...]


def comes_before(calls: Calls, first: Call, last: Call) -> bool:
    """Whether a call is made before another one."""
    return any(call is last for call in calls[next(i for i, c in enumerate(calls) if c is first) :])
