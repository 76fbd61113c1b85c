"""Facts ``effective_batch`` and ``training_steps``: what rows, batch, devices and epochs make.

Both are bounds where not everything is known. A run on more devices, or with packing, has larger
batches and fewer steps than the file alone says, so that ``effective_batch`` is "at least" and
``training_steps`` "at most".
"""

from __future__ import annotations

from math import ceil

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.value import Absent, Known, Unknown, Value

if TYPE_CHECKING:
    from lora_rules.facts.data.dataset import Rows


class Batch(NamedTuple):
    """Examples in one optimizer step."""

    examples: int
    exact: bool
    """``False``: at least this many, because the number of devices is not known."""

    @property
    def text(self) -> str:
        """As a message says it."""
        return f"{self.examples:,}" if self.exact else f"at least {self.examples:,}"


class Steps(NamedTuple):
    """Optimizer steps of the whole run."""

    number: int
    exact: bool
    """``False``: no more than this many."""
    from_data: bool
    """Worked out from the rows, as opposed to written down as a number of steps."""

    @property
    def text(self) -> str:
        """As a message says it."""
        return f"{self.number:,}" if self.exact else f"at most {self.number:,}"


def effective_batch(
    per_device_train_batch_size: int | None = None,
    gradient_accumulation_steps: int = 1,
    global_batch_size: int | None = None,
    gpu_count: int | None = None,
) -> Batch:
    """Examples in one optimizer step: batch x accumulation x devices.

    Raises:
        Unknown: if the batch is not a positive number.
    """
    if global_batch_size is not None and global_batch_size > 0:
        return Batch(global_batch_size, exact=True)
    if per_device_train_batch_size is None:
        raise Absent("per_device_train_batch_size is not given")
    if per_device_train_batch_size < 1 or gradient_accumulation_steps < 1:
        raise Unknown("the batch is not a positive number")
    examples = per_device_train_batch_size * gradient_accumulation_steps
    if gpu_count is None:
        return Batch(examples, exact=False)
    return Batch(examples * gpu_count, exact=True)


def training_steps(
    val_set_size: Value,
    max_steps: int | None = None,
    dataset_rows: Rows | None = None,
    effective_batch: Batch | None = None,
    num_train_epochs: float | None = None,
    packing: bool | None = None,
    training_kind: str = "",
) -> Steps:
    """Optimizer steps of the whole run, as transformers' Trainer counts them.

    ``max_steps`` wins over the epochs. The last, smaller batch of an epoch is a step too.

    Raises:
        Unknown: if rows, batch or epochs are not known, or are no positive numbers.
    """
    if max_steps is not None and max_steps > 0:
        return Steps(max_steps, exact=True, from_data=False)
    if training_kind == "reinforcement":
        raise Unknown("with rewards a row is played several times, and each time counts")
    if training_kind == "pretraining" and dataset_rows is not None:
        raise Unknown("plain text is cut into pieces, of which a row may give any number")
    if dataset_rows is None or effective_batch is None:
        raise Unknown("the rows of the training data, or the batch, are not known")
    if num_train_epochs is None or num_train_epochs <= 0:
        raise Unknown("the number of epochs is not known")
    an_epoch = max(ceil(dataset_rows.number / effective_batch.examples), 1)
    exact = dataset_rows.exact and effective_batch.exact and packing is not True
    exact = exact and not _may_hold_out(val_set_size)
    return Steps(ceil(an_epoch * num_train_epochs), exact, from_data=True)


def _may_hold_out(size: Value) -> bool:
    """Whether a part of the rows may go to validation."""
    return size.value not in (None, 0) if isinstance(size, Known) else not isinstance(size, Absent)
