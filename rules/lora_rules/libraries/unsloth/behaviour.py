"""How a script behaves that calls Unsloth."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.behaviour import Behaviour

HANDS_ON = ("FastLanguageModel", "FastTextModel")
"""Classes that hand the targets on; others choose among their towers."""


class Framework(Behaviour):
    """A script that calls Unsloth."""

    label = "Unsloth"
    adapter_as_written = True
    saves_modules_itself = True
    fused_kernels = True
    without_fused_kernels = frozenset({"FastModel", "FastTextModel", "FastVisionModel"})
    replaces = frozenset({"trl"})
    quantizes_with_bitsandbytes = False
    falls_back_to_fp16 = True
    offloads_embedding = True
    library_defaults = True
    task_says_kind = True
    refuses_calls = True
    trainer = "unsloth"
    trainer_switches: Mapping[str, str] = {}

    def chooses_targets(self, target: object, *, fused: bool, callee: str) -> str:
        """Where none are written, among experts, and among the towers of a multimodal model."""
        owner = callee.removesuffix(".get_peft_model").rpartition(".")[2]
        if target is None or fused or owner not in HANDS_ON:
            return "Unsloth makes the targets itself"
        return ""
