"""Optimizer steps, and what is set in units of them: batch, warm-up."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    ARITHMETIC,
    OFFICIAL_RECIPES,
    SCHULMAN_2025,
    TINKER_SWEEP,
    TRANSFORMERS_SOURCE,
)
from lora_rules.facts.versions import pins
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.dataset import Rows
    from lora_rules.facts.training_steps import Batch, Steps


@rule("LL804", Severity.INFO, evidence=[SCHULMAN_2025])
def large_effective_batch(
    recipe: Recipe,
    effective_batch: Batch,
    training_kind: str,
    *,
    max: int = 256,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """An effective batch of many hundred examples, which LoRA bears worse than a full fine-tune.

    ## What it checks
    Batch per device times accumulation times declared devices (or the global batch, where a
    framework has one) above `max`, in supervised fine-tuning. Without a declared number of
    devices it is a lower bound.

    ## Why it matters
    In one study LoRA fell behind full fine-tuning as the batch grew, whatever the rank, and the
    gap was small at 32; both were best with small batches. The study names no limit: this one is
    ours.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 16
    gradient_accumulation_steps: 32  # LL804: 32
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 4
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When throughput matters more than the last bit of loss.

    ## Options
    - `max` (256): the largest batch that passes.
    """
    if training_kind == "sft" and effective_batch.examples > max:
        whole = effective_batch.examples == recipe.known("global_batch_size")
        yield Problem(
            "global_batch_size" if whole else "gradient_accumulation_steps",
            f"{effective_batch.text} examples a step: LoRA falls behind full fine-tuning as the "
            "batch grows (one study; the limit is ours).",
            help="32 is enough for most; a smaller batch also makes more steps.",
            also=() if whole else ("per_device_train_batch_size", "gpu_count"),
        )


@rule("LL805", Severity.WARNING, evidence=[SCHULMAN_2025, TINKER_SWEEP, ARITHMETIC])
def too_few_steps(
    recipe: Recipe,
    training_steps: Steps,
    effective_batch: Batch,
    dataset_rows: Rows,
    num_train_epochs: float,
    training_kind: str = "",
    *,
    min: int = 20,  # noqa: A002 - the option's name, as users write it
    usual: int = 100,
) -> Iterator[Problem]:
    """The data, the batch and the epochs make only a handful of optimizer steps.

    ## What it checks
    Rows times epochs over the effective batch: below `min` steps (warning), below `usual` (info).
    Rows are counted in local files or declared; packing and more devices make even fewer steps. A
    run whose `max_steps` is written is taken at its word, and rewards are left alone.

    ## Why it matters
    LoRA's B matrix starts at zero and first has to grow. In runs of about 100 steps and fewer the
    best learning rate was some 15 times that of a full fine-tune instead of 10, and the cookbook
    of the same laboratory asks for 100 steps at least. A batch that was chosen for 50,000 rows
    leaves nothing for 500.

    ## Bad
    ```yaml
    # lora-lint: train-rows=400
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 8
    num_train_epochs: 1  # LL805: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=4000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    per_device_train_batch_size: 8
    gradient_accumulation_steps: 2
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the run is only meant to show that it runs.

    ## Options
    - `min` (20): the fewest steps that pass without a warning.
    - `usual` (100): the fewest that pass without a word.
    """
    if not training_steps.from_data or training_kind in ("reinforcement", "other"):
        return
    steps = training_steps.number
    if steps >= usual:
        return
    yield Problem(
        "num_train_epochs",
        f"{dataset_rows.number:,} rows x {num_train_epochs:g} epochs / {effective_batch.text} "
        f"examples a step = {training_steps.text} optimizer steps; LoRA wants 100 and more.",
        severity=Severity.WARNING if steps < min else Severity.INFO,
        help="Lower the batch or gradient_accumulation_steps, or train longer.",
        also=("per_device_train_batch_size", "gradient_accumulation_steps", "train_rows"),
    )


@rule("LL807", Severity.WARNING, evidence=[ARITHMETIC, TRANSFORMERS_SOURCE])
def warmup_longer_than_run(
    recipe: Recipe,
    training_steps: Steps | None = None,
    warmup_steps: float | None = None,
    warmup_ratio: float | None = None,
    lr_scheduler_type: str | None = None,
    *,
    max_share: float = 0.3,
) -> Iterator[Problem]:
    """The warm-up takes most of the run, or more than all of it.

    ## What it checks
    `warmup_steps` against the steps of the run (`max_steps`, or rows, epochs and batch), and
    `warmup_ratio`: above `max_share` is a warning. A ratio above 1 or a negative number is an
    error. With transformers pinned below 5, a `warmup_steps` between 0 and 1 is a warning. A
    constant schedule has no warm-up and is left alone. With a `max_steps` of 50 or fewer, a run
    that is meant to show that it runs, it is an info.

    ## Why it matters
    The learning rate climbs to its value during the warm-up: if that is longer than the run, the
    rate that was set is never reached, and the mean is below half of it. Recipes carry 100 steps
    of warm-up from datasets of 50,000 rows to ones of 500. transformers raises for a ratio above
    1. From version 5 on it reads `warmup_steps=0.03` as a share of the run; before, as a
    thirtieth of one step.

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
        yield from _share_as_steps(recipe, warmup_steps, max_share)
    elif training_steps is not None and warmup_steps > max_share * training_steps.number:
        yield from _too_long(warmup_steps, training_steps, max_share)


def _ratio(ratio: float, most: float) -> Iterator[Problem]:
    if ratio < 0 or ratio > 1:
        yield Problem(
            "warmup_ratio",
            f"warmup_ratio = {ratio:g} is no share: transformers raises ValueError outside 0 to 1.",
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


def _share_as_steps(recipe: Recipe, warmup_steps: float, most: float) -> Iterator[Problem]:
    version = pins(recipe).get("transformers", "")
    if version and int(version.partition(".")[0].lstrip("v") or 5) < 5:
        yield Problem(
            "warmup_steps",
            f"warmup_steps = {warmup_steps:g} with transformers {version} is less than one step: "
            "there is no warm-up. Shares are read from version 5 on.",
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


@rule("LL812", Severity.INFO, evidence=[TRANSFORMERS_SOURCE, OFFICIAL_RECIPES])
def warmup_without_effect(
    recipe: Recipe,
    lr_scheduler_type: str,
    warmup_steps: float | None = None,
    warmup_ratio: float | None = None,
) -> Iterator[Problem]:
    """A warm-up that the constant schedule does not have.

    ## What it checks
    `lr_scheduler_type` is "constant" and `warmup_steps` or `warmup_ratio` is above zero.

    ## Why it matters
    transformers builds the constant schedule without looking at the warm-up: the first step
    already has the full learning rate. The training script of QLoRA has had this pair from the
    start and is widely copied, so it does no harm by itself; it only does nothing.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        lr_scheduler_type="constant",
        warmup_steps=0.03,  # LL812: 0.03
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=0.03,
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When no warm-up is meant; then the key may go.

    ## Options
    None.
    """
    if lr_scheduler_type != "constant" or recipe.dialect in ("torchtune", "litgpt", "mlx-lm"):
        return
    for name, value in (("warmup_steps", warmup_steps), ("warmup_ratio", warmup_ratio)):
        if value is not None and value > 0:
            yield Problem(
                name,
                f'{name} = {value:g} does nothing with lr_scheduler_type = "constant".',
                help='Use "constant_with_warmup", or remove it.',
                also=("lr_scheduler_type",),
                edits=(Set("lr_scheduler_type", "constant_with_warmup"),),
            )
