"""How Oumi behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that Oumi reads."""

    refuses_repeated_keys = True

    def derive(self, draft: Draft) -> None:
        """``q_lora`` quantizes to ``q_lora_bits``, 4 unless written."""
        found = draft.find(["peft.q_lora"])
        if found is None:
            return
        value, bits = draft.plain("peft.q_lora"), draft.plain("peft.q_lora_bits")
        if not isinstance(value, bool):
            draft.leave_open("load_in_4bit", found, "peft.q_lora is unknown")
            return
        width = 4 if bits is None else bits
        source = f"peft.q_lora: {value}".lower()
        draft.conclude("load_in_4bit", value and width == 4, found, source)
        draft.conclude("load_in_8bit", value and width == 8, found, source)
