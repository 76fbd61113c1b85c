"""What numbers the arguments of a trainer may be: transformers, torch or numpy refuse any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.problem import Problem
from lora_rules.recipe import Block, Key


class Limits(NamedTuple):
    """What is accepted of one argument."""

    low: float
    high: float | None
    """Exclusive; ``None`` where there is no bound."""
    whole: bool
    who: str
    """Who refuses what lies outside, and how."""


OF_ADAM = ("adam_beta1", "adam_beta2", "adam_epsilon")
"""Read by an optimizer of that family alone."""
_SHARE = Limits(0, 1, whole=False, who="AdamW raises ValueError")
LIMITS: Mapping[str, Limits] = {
    "learning_rate": Limits(0, None, whole=False, who="the optimizer raises ValueError"),
    "adam_beta1": _SHARE,
    "adam_beta2": _SHARE,
    "adam_epsilon": Limits(0, None, whole=False, who="AdamW raises ValueError"),
    "neftune_noise_alpha": Limits(
        0, None, whole=False, who="torch raises RuntimeError when the noise is drawn"
    ),
    "dataloader_num_workers": Limits(0, None, whole=True, who="the DataLoader raises ValueError"),
    "dataset_num_proc": Limits(0, None, whole=True, who="datasets raises"),
    "seed": Limits(0, 2**32, whole=True, who="numpy raises"),
    "gradient_accumulation_steps": Limits(1, None, whole=True, who="the trainer raises"),
    "torch_empty_cache_steps": Limits(1, None, whole=True, who="transformers raises ValueError"),
}


def outside(block: Block, key: Key) -> Iterator[Problem]:
    """A number that is none of those that are accepted."""
    limits = LIMITS[key.name]
    value = key.candidates[0]
    if len(key.candidates) > 1 or isinstance(value, bool) or not isinstance(value, int | float):
        return
    if key.name in OF_ADAM and not _is_adam(block):
        return
    if key.name == "gradient_accumulation_steps" and value < 0:
        return  # nothing raises
    if said := _said(limits, value) or _in_pair(key.name, value):
        yield Problem(
            key.value_span or key.span,
            f"{key.name} = {value} is {said}: {limits.who}.",
            help=f"Write a {_wanted(limits)}.",
        )


def _in_pair(name: str, value: float) -> str:
    """AdamW takes two fractions: 0 beside the other's default is none."""
    whole = name.startswith("adam_beta") and isinstance(value, int)
    return "a whole number beside a fraction" if whole else ""


def _is_adam(block: Block) -> bool:
    """Whether torch's AdamW is the optimizer: it is by default, and unless another is written."""
    optimizers = [key.candidates for key in block.keys if key.name == "optim"]
    written = optimizers[0] if optimizers else ("adamw_torch",)
    return bool(written) and all(str(value).startswith("adamw_torch") for value in written)


def _said(limits: Limits, value: float) -> str:
    if limits.whole and value % 1:
        return "no whole number"
    if value < limits.low:
        return "below zero" if limits.low == 0 else f"below {limits.low:g}"
    if limits.high is not None and value >= limits.high:
        return f"not below {limits.high}"
    return ""


def _wanted(limits: Limits) -> str:
    kind = "whole number" if limits.whole else "number"
    least = "of zero or more" if limits.low == 0 else f"of {limits.low:g} or more"
    return f"{kind} {least}" + (f", below {limits.high}" if limits.high is not None else "")
