"""Rule LL807, warmup-longer-than-run."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import ARITHMETIC, TRANSFORMERS_WHEELS

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Steps


@rule(
    "LL807",
    Severity.WARNING,
    evidence=[
        ARITHMETIC.says(
            "A warm-up that is longer than the run never reaches the learning rate that was set, "
            "and the mean stays below half of it."
        ),
        TRANSFORMERS_WHEELS.says(
            "warmup_steps below 1 is a share from 5.0 on, raises ValueError from 4.42 to 4.57, and "
            "is less than a step before; warmup_ratio must lie in 0 to 1 below 5.0, is read as "
            "warmup_steps from 5.0 on, and is gone from 5.15 on."
        ),
    ],
)
def warmup_longer_than_run(
    training_steps: Steps | None = None,
    warmup_steps: float | None = None,
    warmup_ratio: float | None = None,
    lr_scheduler_type: str | None = None,
    pinned_transformers: VersionRange = ANY,
    *,
    max_share: float = 0.3,
) -> Iterator[Problem]:
    """The warm-up takes most of the run, or more than all of it.

    ## What it checks
    `warmup_steps` or `warmup_ratio` takes more than `max_share` of the run's steps (`max_steps`, or
    rows, epochs and batch).

    - A negative number, and a ratio above 1, are errors.
    - A `warmup_steps` between 0 and 1 is an error with transformers pinned to 4.42 to 4.57, and a
      warning with an older one.
    - With a `max_steps` of 50 or fewer, a trial, it is an info.
    - The constant schedule has no warm-up and is not checked.

    ## Why it matters
    The learning rate climbs to its value during the warm-up: if that is longer than the run, the
    rate that was set is never reached, and the mean is below half of it. transformers reads
    `warmup_steps=0.03` as a share from version 5 on. Before, it raises ValueError (from 4.42 on) or
    has no warm-up. A ratio above 1 raises below 5, and is a number of steps from then on.

    ## Bad
    ```python
    # lora-lint: train-rows=800
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        per_device_train_batch_size=8,
        num_train_epochs=1,
        max_length=2048,
        warmup_steps=100,  # LL807: 100
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    max_steps: 200
    warmup_steps: 500  # LL807: 500
    learning_rate: 2.0e-4
    ```

    ## Good
    ```python
    # lora-lint: train-rows=80000
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        per_device_train_batch_size=8,
        num_train_epochs=1,
        max_length=2048,
        warmup_steps=100,
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When so long a warm-up is meant.

    ## Options
    - `max_share` (0.3): the largest share of the run that passes.
    """
    if lr_scheduler_type == "constant":
        return
    if warmup_ratio is not None and not warmup_steps:
        yield from _ratio(warmup_ratio, max_share)
    if warmup_steps is None:
        return
    if warmup_steps < 0:
        yield Problem(
            "warmup_steps",
            f"warmup_steps = {warmup_steps:g}: transformers raises ValueError.",
            severity=Severity.ERROR,
        )
    elif 0 < warmup_steps < 1:
        yield from _share_as_steps(warmup_steps, max_share, pinned_transformers)
    elif training_steps is not None and warmup_steps > max_share * training_steps.number:
        yield from _too_long(warmup_steps, training_steps, max_share)


def _ratio(ratio: float, most: float) -> Iterator[Problem]:
    if ratio < 0 or ratio > 1:
        yield Problem(
            "warmup_ratio",
            f"warmup_ratio = {ratio:g} is no share: transformers raises ValueError below version "
            "5, and takes it for warmup_steps after.",
            severity=Severity.ERROR,
            help="Is it a number of steps? Then write warmup_steps.",
            edits=(Set("warmup_ratio", 0.03),),
        )
    elif ratio > most:
        yield Problem(
            "warmup_ratio",
            f"warmup_ratio = {ratio:g}: the learning rate climbs for {ratio:.0%} of the run.",
            help="Values in use are 0 to 0.1.",
            edits=(Set("warmup_ratio", 0.03),),
        )


def _share_as_steps(
    warmup_steps: float, most: float, transformers: VersionRange
) -> Iterator[Problem]:
    if transformers.certainly_below("5"):
        raises = transformers.certainly_at_least("4.42")
        yield Problem(
            "warmup_steps",
            f"warmup_steps = {warmup_steps:g} with transformers {transformers}: a number below one "
            "raises ValueError from 4.42 on and is no warm-up before; it is a share from 5 on.",
            severity=Severity.ERROR if raises else Severity.WARNING,
            help=f"Write warmup_ratio = {warmup_steps:g}.",
        )
    elif warmup_steps > most:
        yield from (p._replace(at="warmup_steps", edits=()) for p in _ratio(warmup_steps, most))


def _is_trial(steps: Steps) -> bool:
    """Whether somebody wrote so few steps that the run can only be meant to show that it runs."""
    return not steps.from_data and steps.number <= 50


def _too_long(warmup_steps: float, steps: Steps, most: float) -> Iterator[Problem]:
    share = warmup_steps / steps.number
    never = warmup_steps >= steps.number
    at_least = "" if steps.exact else "at least "
    yield Problem(
        "warmup_steps",
        f"warmup_steps = {warmup_steps:g} and the run has {steps.text} steps: "
        + (
            "the learning rate that is set is never reached."
            if never
            else f"the learning rate climbs for {at_least}{share:.0%} of the run."
        ),
        severity=Severity.INFO if _is_trial(steps) else Severity.WARNING,
        help=f"Set warmup_steps to {max(round(0.03 * steps.number), 1)} (3 % of the run).",
        also=("num_train_epochs", "per_device_train_batch_size")
        if steps.from_data
        else ("max_steps",),
        edits=(Set("warmup_steps", max(round(0.03 * steps.number), 1)),),
    )
