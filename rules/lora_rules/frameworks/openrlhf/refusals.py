"""What OpenRLHF refuses, and PEFT that it hands its options to (``models/actor.py``)."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import Refusal, Refusals, Written, given, present, where

TARGETS = ("ds.lora.target_modules", "target_modules")
RANKS = ("ds.lora.rank", "lora_rank")


def _is_named(keys: Written, name: str) -> bool:
    """Whether the word of PEFT's own is an item of the list that argparse makes."""
    value = keys.value(name)
    return "all-linear" in (value if isinstance(value, list) else (value,))


def _all_linear(name: str, rank: str) -> Refusal:
    return Refusal(
        f"{kebab(name)}-lists-all-linear",
        name,
        (present(name), given(rank), where(lambda keys: _is_named(keys, name), name)),
        f"{name} all-linear: the option takes a list, and PEFT looks for a module of that name",
        "Leave the option out: every linear layer is its default.",
    )


REFUSALS = (
    Refusals(
        "openrlhf",
        "OpenRLHF",
        tuple(map(_all_linear, TARGETS, RANKS)),
        "https://github.com/OpenRLHF/OpenRLHF, cli/train_sft.py and models/actor.py at 0.11.2",
        "PEFT raises it when the adapter is added, after the model has been loaded.",
    ),
)
