"""Rule LL016, argument-not-accepted."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import VersionRange
from lora_rules.evidence import TRANSFORMERS_SOURCE
from lora_rules.libraries import signatures
from lora_rules.recipe import Block, Blocks, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins

ARGUMENTS = "transformers.TrainingArguments"
NUMBERS = frozenset(
    [
        "learning_rate",
        "weight_decay",
        "num_train_epochs",
        "max_steps",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "warmup_steps",
        "logging_steps",
        "save_steps",
        "max_grad_norm",
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "beta",
        "data_seed",
        "dataloader_num_workers",
        "dataset_num_proc",
        "desirable_weight",
        "max_length",
        "neftune_noise_alpha",
        "seed",
        "torch_empty_cache_steps",
        "undesirable_weight",
    ]
)
"""Numbers of which a text raises, when the arguments are made, the trainer, or the optimizer."""
_OTHER_THAN_TYPE = {"data_seed": "RuntimeError", "torch_empty_cache_steps": "ValueError"}
"""What a text raises where it is no TypeError."""
_LEVELS = ("detail", "debug", "info", "warning", "error", "critical", "passive")
LISTED = {
    "debug": ("", "underflow_overflow", "tpu_metrics_debug"),
    "log_level": _LEVELS,
    "log_level_replica": _LEVELS,
    "report_to": (
        "all",
        "azure_ml",
        "clearml",
        "codecarbon",
        "comet_ml",
        "dagshub",
        "dvclive",
        "flyte",
        "kubeflow",
        "mlflow",
        "neptune",
        "none",
        "swanlab",
        "tensorboard",
        "trackio",
        "wandb",
    ),
}
"""Choices that no enumeration of transformers holds, or that are lists; of the newest version."""
_BOUNDED = frozenset(
    [
        "adam_beta1",
        "adam_beta2",
        "dataloader_num_workers",
        "dataset_num_proc",
        "gradient_accumulation_steps",
        "seed",
        "torch_empty_cache_steps",
    ]
)
"""Of which more than negative numbers are refused."""
_EVERY = {"save_steps": "save_strategy", "logging_steps": "logging_strategy"}
"""Steps that are counted unless the strategy says otherwise: from 1 on a whole number."""


@rule(
    "LL016",
    Severity.ERROR,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments raises ValueError for a value outside its enumerations, and "
            "converts no text to a number."
        )
    ],
    without_adapter=True,
)
def argument_not_accepted(blocks: Blocks, pins: Pins) -> Iterator[Problem]:
    """A training argument is none of its choices, or a text in place of a number.

    ## What it checks
    The calls of transformers' TrainingArguments and of TRL's configurations, which inherit from it.

    - `optim`, `lr_scheduler_type`, `hub_strategy`, and the strategies of evaluation, saving and
      logging against the choices of the version that is pinned, else of the newest. An error where
      no version has the value, or none of those that are pinned; else a warning.
    - `report_to`, `log_level` and `debug` against the newest version's choices; `report_to=None`,
      which transformers 5 refuses.
    - Rates, steps, epochs, seeds and batch sizes that are a text: an error. So are `save_steps` and
      `logging_steps` above 1 that are no whole number.
    - Numbers that are refused: a beta of 1.5, a negative rate, a fraction as seed.
    - Silent for what a flag of the script can change.

    ## Why it matters
    A value outside the choices raises ValueError when the arguments are made. A text raises
    TypeError there or as late as the optimizer, after the model has been loaded: only command
    lines are converted.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = TrainingArguments(
        "out",
        num_train_epochs=1,
        learning_rate="2e-4",  # LL016: "2e-4"
        optim="adamw_8bits",  # LL016: "adamw_8bits"
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, optim="adamw_8bit")
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    pin = pins["transformers"]
    for block in blocks:
        if not _inherits(block.receiver):
            continue
        for key in block.keys:
            if key.overridable or not key.candidates:
                continue
            if key.name in NUMBERS:
                yield from _number(key)
                yield from _fraction(block, key)
                yield from _outside(block, key)
            elif key.name in LISTED:
                yield from _listed(key, pin)
            elif not pin.at_commit:
                yield from _choice(block, key, pin)


def _inherits(receiver: str) -> bool:
    if not receiver.endswith(("Arguments", "Config")) or not signatures.is_known(receiver):
        return False
    return ARGUMENTS in (receiver, signatures.parent(receiver)) or receiver.endswith(
        "Seq2SeqTrainingArguments"
    )


def _number(key: Key) -> Iterator[Problem]:
    if not all(isinstance(value, str) for value in key.candidates):
        return
    value = str(key.candidates[0])
    number = _as_number(value)
    outcome = _OTHER_THAN_TYPE.get(key.name, "TypeError")
    yield Problem(
        key.value_span or key.span,
        f'{key.name} = "{value}" is a text, and transformers converts none: {outcome}.',
        help="Write it without quotation marks." if number is not None else "Write a number.",
        edits=() if number is None else (Set(key.name, number),),
    )


def _fraction(block: Block, key: Key) -> Iterator[Problem]:
    """Steps above 1 that are no whole number, where they are steps."""
    value, strategy = key.candidates[0], _EVERY.get(key.name)
    if strategy is None or len(key.candidates) > 1 or not isinstance(value, float):
        return
    chosen = any(each.name == strategy for each in block.keys)  # then LL012 speaks
    if value > 1 and value % 1 and not chosen and block.complete:
        yield Problem(
            key.value_span or key.span,
            f"{key.name} = {value} is above 1 and no whole number: ValueError.",
            help="Write a whole number of steps, or a share of all steps below 1.",
        )


def _outside(block: Block, key: Key) -> Iterator[Problem]:
    """A number that the trainer, its optimizer or its loader refuses."""
    value = key.candidates[0]
    if not isinstance(value, int | float):
        return
    usual = type(value) is int and 0 < value < 1 << 32 and not key.name.startswith("adam")
    if value < 0 or (not usual and key.name in _BOUNDED):
        from lora_rules.checks.training.argument_limits import LIMITS, outside

        if key.name in LIMITS:
            yield from outside(block, key)


def _listed(key: Key, pin: VersionRange) -> Iterator[Problem]:
    """A word that is in no list of transformers."""
    if key.name == "report_to" and all(value is None for value in key.candidates):
        if not pin.at_commit and not pin.certainly_below("5"):
            yield Problem(
                key.value_span or key.span,
                "report_to = None is no integration for transformers 5: the trainer raises "
                "ValueError.",
                severity=None if pin.certainly_at_least("5") else Severity.WARNING,
                help='Write "none".',
                edits=(Set(key.name, "none"),),
            )
        return
    allowed = LISTED[key.name]
    for value in key.candidates:
        if value is None or not (wrong := [w for w in _words(key.name, value) if w not in allowed]):
            return
    nearest = _nearest(wrong[0], allowed)
    yield Problem(
        key.value_span or key.span,
        f"transformers has no {key.name} {wrong[0]!r}: ValueError or KeyError.",
        help=f'Did you mean "{nearest}"?' if nearest else f"Write one of {', '.join(allowed)}.",
    )


def _words(name: str, value: object) -> list[str]:
    """What a value names, a text of several words or a list."""
    if isinstance(value, str):
        return value.split() if name == "debug" else [value]
    return [str(each) for each in value] if isinstance(value, list) else []


def _as_number(text: str) -> float | int | None:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return None


def _choice(block: Block, key: Key, pin: VersionRange) -> Iterator[Problem]:
    try:
        allowed = signatures.choices(ARGUMENTS, key.name, pin if pin.bounded else None)
    except KeyError:
        return  # older than all versions that were read
    if not allowed or any(_takes(allowed, value) for value in key.candidates):
        return
    value = key.candidates[0]
    if not isinstance(value, str | bool):
        return
    certain = pin.bounded or str(value) not in signatures.ever_choices(ARGUMENTS, key.name)
    nearest = _nearest(value, allowed)
    callee = block.receiver.rpartition(".")[2]
    yield Problem(
        key.value_span or key.span,
        f"{callee} has no {key.name} {value!r}{_where(pin, certain)}: ValueError.",
        severity=None if certain else Severity.WARNING,
        help=f'Did you mean "{nearest}"?' if nearest else f"Write one of {', '.join(allowed)}.",
        edits=(Set(key.name, nearest),) if nearest else (),
    )


def _takes(allowed: tuple[str, ...], value: object) -> bool:
    """Whether a value is one of the choices; an object is not judged."""
    return value in allowed if isinstance(value, str) else not isinstance(value, bool)


def _where(pin: VersionRange, certain: bool) -> str:
    if pin.exact:
        return f" in transformers {pin}"
    return f" in transformers{pin}" if pin.bounded else "" if certain else " in the newest version"


def _nearest(value: object, allowed: tuple[str, ...]) -> str:
    from difflib import get_close_matches  # imported here: few values are wrong

    found = get_close_matches(str(value).lower().replace("-", "_"), allowed, 1, 0.75)
    return found[0] if found else ""
