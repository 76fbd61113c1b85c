"""How TRL's scripts (``trl sft``) behave. Its classes are in ``libraries/trl``."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.unquantized import ignores_how
from lora_rules.frameworks.trl.method import note as note_method

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that TRL's scripts read."""

    adapter_as_written = True
    numbers_from_text = True
    loads_by_name = True
    trl_arguments = True
    common_scripts = 6
    library_defaults = True
    supervised_keys = frozenset(
        [
            "packing",
            "packing_strategy",
            "eval_packing",
            "dataset_text_field",
            "max_seq_length",
            "completion_only_loss",
            "assistant_only_loss",
        ]
    )
    trainer = "trl"
    defaults_since = MappingProxyType(
        {
            "bf16": ("pinned_trl", "0.19", False),
            "gradient_checkpointing": ("pinned_trl", "0.22", False),
        }
    )
    examples_of_groups = 8

    def derive(self, draft: Draft) -> None:
        """It trains in bfloat16 unless ``fp16`` is asked for; its keys say with which method."""
        if not draft.is_true("fp16") and "bf16" not in draft.settings:
            draft.default("bf16", True)
        _unquantized(draft)
        note_method(draft)

    def scripts(self, method: str, keys: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """One a method."""
        from lora_rules.frameworks.trl import arguments

        return arguments.scripts(method, keys)

    def goes_elsewhere(self, key: str) -> bool:
        """``trl`` hands on to ``accelerate launch`` what it does not know."""
        from lora_rules.frameworks.trl import arguments

        return arguments.goes_to_launcher(key)


BITSANDBYTES = ("bnb_4bit_quant_type", "use_bnb_nested_quant", "bnb_4bit_quant_storage")


def _unquantized(draft: Draft) -> None:
    """How to quantize is read with ``load_in_4bit``, which is false unless written."""
    ignores_how(
        draft,
        ("load_in_4bit",),
        BITSANDBYTES,
        "TRL reads it only with load_in_4bit: true",
        "Write load_in_4bit: true, or remove it.",
    )
