"""Loops that a script trains in by itself: what they add up, and what goes backward."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.program import Calls
from lora_rules.recipe import Call, Thing

OUTPUT = lazily(
    r"__call__\(\)(?:\.(?:loss|logits|last_hidden_state)|\[\])(?:\[\])*"
    r"(?:\.(?:mean|sum|cpu|float)\(\)|/)*"
)
"""A part of what a model gives back that has a gradient: no method took it away."""
WITHOUT_GRADIENT = ("torch.no_grad", "torch.inference_mode", "torch.set_grad_enabled")
SUM, SCALED = "+", "/"
"""How the path of a sum ends, and of a loss that was multiplied or divided."""


def kept_in_loops(calls: Calls) -> Iterator[Call]:
    """Where something is added to a sum or to a list, in a loop that never starts a new one."""
    for call in calls.named("=+"):
        if innermost_loop(call) is not None:
            yield call


def innermost_loop(call: Call) -> int | None:
    """The innermost loop around a call."""
    return next((arm for arm in reversed(call.branch) if arm < 0), None)


def backward_in(calls: Calls, loop: int) -> list[Call]:
    """The backward passes that are made in a loop, or below it."""
    return [call for call in calls.named(".backward") if loop in call.branch]


def goes_backward(call: Call) -> Thing | None:
    """What a backward pass starts from: ``loss`` of ``loss.backward()``; also accelerate's."""
    if call.on is not None and call.on.part.startswith("__call__()"):
        return call.on
    return call.things.get("loss") or call.things.get("0")


def is_under_test(call: Call, loop: int) -> bool:
    """Whether a call is made in some passes of a loop only."""
    return any(arm > 0 for arm in call.branch[call.branch.index(loop) :])
