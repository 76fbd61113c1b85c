"""What calls do to objects, of all libraries: ``libraries/<name>/effects.py`` has the rows."""

from __future__ import annotations

from functools import cache

from lora_rules.engine.effects import Effect
from lora_rules.libraries.accelerate.effects import ROWS as ACCELERATE
from lora_rules.libraries.builtins.effects import ROWS as BUILTINS
from lora_rules.libraries.peft.effects import ROWS as PEFT
from lora_rules.libraries.torch.effects import ROWS as TORCH
from lora_rules.libraries.transformers.effects import ROWS as TRANSFORMERS
from lora_rules.libraries.trl.effects import ROWS as TRL
from lora_rules.libraries.unsloth.effects import ROWS as UNSLOTH

ROWS = (*PEFT, *TRANSFORMERS, *TRL, *UNSLOTH, *TORCH, *ACCELERATE, *BUILTINS)

_EXACT = {row.callee: row for row in ROWS if "*" not in row.callee}
_PATTERNS = [(row.callee.partition("*"), row) for row in ROWS if "*" in row.callee]


@cache
def effect_of(callee: str) -> Effect | None:
    """What a call does, if a row says so; a row for the very callee comes before a pattern.

    Args:
        callee: qualified, or ``.name`` for a method.
    """
    exact = _EXACT.get(callee)
    if exact is not None:
        return exact
    for (start, _, end), row in _PATTERNS:
        if callee.startswith(start) and callee.endswith(end):
            return row
    return None
