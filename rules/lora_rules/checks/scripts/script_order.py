"""Steps of a script in an order in which nothing is trained, or not what was meant."""

from __future__ import annotations

from itertools import pairwise

from lora_rules.program import Calls
from lora_rules.recipe import Call


def comes_before(calls: Calls, *steps: Call) -> bool:
    """Whether calls are made in this order."""
    return all(calls.position(first) <= calls.position(last) for first, last in pairwise(steps))
