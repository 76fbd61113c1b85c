"""How LitGPT behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft, KeyFound

PARTS = ("query", "key", "value", "projection", "mlp", "head")
"""It names what it adapts by role; these are the six switches of ``finetune/lora.py``."""
ON = frozenset({"query", "value"})


class Framework(Behaviour):
    """A recipe that LitGPT reads."""

    supervised = True
    always_warms_up = True

    def derive(self, draft: Draft) -> None:
        """Targets from six switches, quantization from one word."""
        _targets(draft)
        _quantization(draft)


def _targets(draft: Draft) -> None:
    """Six switches to what is adapted; all but the head is every linear layer."""
    on: set[str] = set()
    first: KeyFound | None = None
    for part in PARTS:
        found = draft.find([f"lora_{part}"])
        value = draft.plain(f"lora_{part}")
        first = first or found
        if found is not None and value is None:
            draft.leave_open("target_modules", found, f"lora_{part} is unknown")
            return
        if value is True or (found is None and part in ON):
            on.add(part)
    everything = on >= set(PARTS) - {"head"}
    value = "all-linear" if everything else [part for part in PARTS if part in on]
    if first is None:
        draft.default("target_modules", value, key="lora_query")
    else:
        draft.conclude("target_modules", value, first, "lora_query, lora_key, lora_value, …")


def _quantization(draft: Draft) -> None:
    """``bnb.nf4-dq`` is 4 bits, NF4, nested; ``bnb.int8-training`` is 8 bits."""
    found = draft.find(["quantize"])
    written = draft.plain("quantize")
    if found is None:
        return
    if not isinstance(written, str):
        draft.leave_open("load_in_4bit", found, "quantize is unknown")
        return
    source = f"quantize: {written}"
    kind = written.removeprefix("bnb.")
    if kind.startswith("int8"):
        draft.conclude("load_in_8bit", True, found, source)
        return
    draft.conclude("load_in_4bit", True, found, source)
    draft.conclude("bnb_4bit_quant_type", kind.partition("-")[0], found, source)
    draft.conclude("bnb_4bit_use_double_quant", kind.endswith("-dq"), found, source)
