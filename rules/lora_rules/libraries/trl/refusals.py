"""What TRL's SFTConfig and SFTTrainer refuse."""

from __future__ import annotations

from lora_rules.engine.keys import KeyPage
from lora_rules.engine.refusals import Refusal, Refusals, Written, given, off, where


def _keeps_a_length(keys: Written) -> bool:
    """Whether max_length is certainly a number: the default is 1024."""
    return keys.is_set("max_length") or (keys.complete and "max_length" not in keys.keys)


ROWS = (
    Refusal(
        "padding-free-with-max-length",
        "padding_free",
        (
            given("padding_free"),
            off("packing"),
            where(_keeps_a_length, "max_length"),
        ),
        "padding_free without packing, and a max_length that it does not apply: TRL 1.16 raises "
        "ValueError",
        "Set packing, or max_length to null (None).",
        raises="",
    ),
    Refusal(
        "padding-free-with-batch-of-one",
        "per_device_train_batch_size",
        (
            given("padding_free"),
            off("packing"),
            where(
                lambda keys: keys.number("per_device_train_batch_size") == 1,
                "per_device_train_batch_size",
            ),
        ),
        "padding_free with per_device_train_batch_size 1, which has no padding to save: TRL warns",
        "Raise the batch size, or remove padding_free.",
        raises="",
        why="A single example has no padding.",
    ),
)

SOURCE = "https://github.com/huggingface/trl, trl/trainer/sft_config.py, sft_trainer.py (1.16.0)"
MOMENT = "TRL raises it when the trainer is made, after the model has been loaded."

REFUSALS = Refusals("trl", "TRL", ROWS, SOURCE, MOMENT)
OF_TRAINER = (
    KeyPage(
        "trl/adapter-on-lm-head",
        "An adapter on lm_head under SFTTrainer: TRL 1.16 raises ValueError.",
        'Leave "lm_head" out of target_modules, or train it whole with modules_to_save.',
        SOURCE,
        MOMENT,
        "The trainer's loss reads the head's weight itself, so that the adapter would never be "
        "trained.",
        "TRL 1.16 or an earlier version after 1.6",
    ),
)
"""What takes more than one call to see."""
