"""How XTuner behaves. Its configurations are Python files that name classes and call none."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe that XTuner reads."""

    label = "XTuner"
    adapter_as_written = True
    library_defaults = True

    def chooses_targets(self, target: object, *, fused: bool, callee: str) -> str:
        """It names every linear layer itself where nothing is written."""
        return "XTuner names every linear layer where no target is given" if target is None else ""
