"""Fact ``batch_sizes``: how much one GPU computes at once, and how often before a step."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.types import fits
from lora_rules.engine.value import Known, Unknown, Value, value_or


class Sizes(NamedTuple):
    """The micro batch, the longest sequence and the micro steps of an optimizer step."""

    batch: int
    length: int
    accumulation: int


def batch_sizes(
    per_device_train_batch_size: int, max_length: Value, gradient_accumulation_steps: int = 1
) -> Sizes:
    """The sizes of a run.

    Raises:
        Unknown: if the length is not known, or one of them is no size.
    """
    sizes = Sizes(per_device_train_batch_size, _length(max_length), gradient_accumulation_steps)
    if min(sizes) < 1:
        raise Unknown(
            f"a batch of {sizes.batch} x {sizes.length} tokens, {sizes.accumulation} times, is none"
        )
    return sizes


def _length(max_length: Value) -> int:
    key = max_length.setting.key if isinstance(max_length, Known) else "a maximum length"
    length = value_or(max_length, None)
    if length is None:
        raise Unknown(
            f"{key} is not given, so sequences are as long as the data has them;"
            " --max-length says how long that is"
        )
    if not isinstance(length, int) or not fits("int", length):
        raise Unknown(f"{key} is {length!r}, which is not int")
    return length
