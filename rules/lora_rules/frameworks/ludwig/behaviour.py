"""How Ludwig behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that Ludwig reads."""

    def derive(self, draft: Draft) -> None:
        """A ``quantization`` block means 4 bits unless it says otherwise."""
        block = draft.find(["quantization"])
        if block is None:
            return
        found = draft.find(["quantization.bits"])
        bits = 4 if found is None else draft.plain("quantization.bits")
        said = found or block
        draft.conclude("load_in_4bit", bits == 4, said, f"{said.key}: {bits}")
        draft.conclude("load_in_8bit", bits == 8, said, f"{said.key}: {bits}")
