"""How Oumi behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.unquantized import ignores_how

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that Oumi reads."""

    names_as_written = True
    refuses_repeated_keys = True

    def derive(self, draft: Draft) -> None:
        """``q_lora`` quantizes to ``q_lora_bits``, 4 unless written."""
        found = draft.find(["peft.q_lora"])
        if found is None:
            _unquantized(draft)
            return
        value, bits = draft.plain("peft.q_lora"), draft.plain("peft.q_lora_bits")
        if not isinstance(value, bool):
            draft.leave_open("load_in_4bit", found, "peft.q_lora is unknown")
            return
        width = 4 if bits is None else bits
        source = f"peft.q_lora: {value}".lower()
        draft.conclude("load_in_4bit", value and width == 4, found, source)
        draft.conclude("load_in_8bit", value and width == 8, found, source)


BITSANDBYTES = (
    "peft.q_lora_bits",
    "peft.bnb_4bit_quant_type",
    "peft.use_bnb_nested_quant",
    "peft.bnb_4bit_quant_storage",
    "peft.bnb_4bit_compute_dtype",
)


def _unquantized(draft: Draft) -> None:
    """How to quantize is read where ``q_lora`` is true, which it is not unless written."""
    ignores_how(
        draft,
        ("peft.q_lora",),
        BITSANDBYTES,
        "Oumi quantizes only with peft.q_lora: true",
        "Write q_lora: true beside it, or remove it.",
    )
