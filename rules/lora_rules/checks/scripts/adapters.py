"""Which adapter a model has at a call: asked of what happened to it before."""

from __future__ import annotations

from lora_rules.checks.scripts.calls import does, has_effect, is_unknown
from lora_rules.engine.effects import ADDS, LOADS, REMOVES
from lora_rules.program import Calls
from lora_rules.recipe import Call, Thing

_CHANGES = (ADDS, LOADS, REMOVES)


def adapter_changes(calls: Calls, call: Call, role: str, unknown: bool = True) -> list[Call | None]:
    """The last calls that changed which adapter a model has, one for each way to a call.

    ``None`` stands for a way on which nothing did.

    Args:
        calls: of the program.
        call: that is given the model.
        role: the argument that the model is; ``""`` if the call is a method of it.
        unknown: whether a call of which nothing is known is one of them.
    """
    return calls.last(call.histories.get(role), _may_change if unknown else _changes)


def _changes(call: Call, model: Thing) -> bool:
    return does(call, model, *_CHANGES)


def _may_change(call: Call, model: Thing) -> bool:
    return _changes(call, model) or is_unknown(call, model)


def only(changes: list[Call | None], *deeds: str) -> list[Call]:
    """These calls, if every one of them does one of these things; else none."""
    found = [call for call in changes if call is not None and has_effect(call, *deeds)]
    return found if len(found) == len(changes) else []
