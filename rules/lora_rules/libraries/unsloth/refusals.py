"""What Unsloth's from_pretrained refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, off, present, where


def _quantizes_twice(keys: Written) -> bool:
    """Whether 8 bit is asked for, and 4 bit, which is the default, is not turned off."""
    four = keys.is_missing("load_in_4bit") or keys.value("load_in_4bit") is True
    return keys.value("load_in_8bit") is True and four


ROWS = (
    Refusal(
        "load-in-8bit-needs-load-in-4bit-off",
        "load_in_8bit",
        (
            where(_quantizes_twice, "load_in_8bit", "load_in_4bit"),
            off("full_finetuning", "quantization_config"),
        ),
        "load_in_8bit without load_in_4bit=False, which is True by default",
        "Add load_in_4bit=False.",
        raises="RuntimeError",
        why="Unsloth loads in 4 bit unless that is turned off, and cannot do both.",
    ),
    Refusal(
        "qat-scheme-needs-full-finetuning",
        "qat_scheme",
        (present("qat_scheme"), off("full_finetuning")),
        "qat_scheme in from_pretrained without full_finetuning",
        "Give qat_scheme to get_peft_model.",
    ),
)

OF_LOADER = Refusals(
    "unsloth",
    "Unsloth",
    ROWS,
    "https://github.com/unslothai/unsloth, unsloth/models/loader.py",
    "Unsloth raises it before it loads the model.",
)
