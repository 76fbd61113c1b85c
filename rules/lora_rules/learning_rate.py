"""The learning rate: too low, too high, or judged by rules that do not hold for it."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    DETTMERS_2023,
    OFFICIAL_RECIPES,
    PREFERENCE_PRACTICE,
    SCHULMAN_2025,
    TINKER_SWEEP,
    TRL_SOURCE,
)
from lora_rules.facts.model_size import is_large, may_be_small
from lora_rules.facts.silent import holds_when_pinned, is_silent, place_of
from lora_rules.needs import LARGEST
from lora_rules.recipe import Recipe
from lora_rules.rule import Add, Edit, Problem, Set, Severity, rule

LARGE = 30e9
"""From here on QLoRA halved its learning rate."""
ENOUGH = 1e-3
"""``learning_rate x lora_alpha`` from which a low rate is made up for by a high alpha."""
SMALL_FACTOR = 3
"""Small models bear more: torchtune ships 2e-3 for Qwen2 0.5B and 1.5B."""


@rule("LL801", Severity.WARNING, evidence=[SCHULMAN_2025, TINKER_SWEEP, TRL_SOURCE])
def full_ft_learning_rate(
    recipe: Recipe,
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    loraplus_lr_ratio: float | None = None,
    *,
    min: float = 2e-5,  # noqa: A002 - the option's name, as users write it
    usual: float = 5e-5,
) -> Iterator[Problem]:
    """The learning rate of a full fine-tune, in a run that trains an adapter.

    ## What it checks
    Supervised fine-tuning with an optimizer of the Adam family and a `learning_rate` below `min`
    (warning) or below `usual` (info). Half of that from 30 billion parameters on. A rate that
    nobody wrote counts too, and the message says whose default it is: below `usual` it is a
    warning, at `usual` an info. Where a high `lora_alpha` makes up for it
    (`learning_rate x lora_alpha` of 0.001 and more), a written rate is left alone; so are LoRA+,
    adapters that are trained further, plain-text pretraining, and preference or reward methods.

    ## Why it matters
    LoRA's best learning rate is about ten times that of a full fine-tune: 9.8 times over 14
    models. In a sweep over 35 models the best was 3e-4 or 1e-3 in most; 4e-5 cost 2.6 % of the
    loss at the median and 9.9 % at worst, and hid every difference between ranks. The
    frameworks' own defaults (transformers 5e-5, TRL's SFTConfig 2e-5, DPOConfig 1e-6) are meant
    for full fine-tuning. Of the official recipes 3.6 % are warned; by that evidence
    they are too low.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(num_train_epochs=1, max_length=2048)  # LL801
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 16
    lora_target_linear: true
    learning_rate: 1.0e-5  # LL801: 1.0e-5
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When the run anneals a model that is trained already, or your own sweep chose the rate.

    ## Options
    - `min` (2e-05): the lowest rate that passes without a warning.
    - `usual` (5e-05): the lowest that passes without a word.
    """
    if training_kind != "sft" or optimizer_family != "adam" or not recipe.trains:
        return
    if loraplus_lr_ratio is not None or _continues(recipe) or learning_rate <= 0:
        return
    silent = is_silent(recipe, "learning_rate")
    severity = _too_low(learning_rate, min, usual, silent=silent)
    if severity is None or (silent and not holds_when_pinned(recipe, "learning_rate")):
        return
    large = is_large(recipe, LARGE)
    if large:
        severity = _too_low(2 * learning_rate, min, usual, silent=silent)
    made_up = _alpha_makes_up(recipe, learning_rate)
    if made_up and silent:
        severity = Severity.INFO
    if severity is None or (made_up and not silent):
        return
    better = 1e-4 if large else 2e-4
    yield Problem(
        place_of(recipe, "learning_rate"),
        f"learning_rate = {learning_rate:g} is a full fine-tune's; LoRA's best is about ten times "
        "that (in a sweep over 35 models 3e-4 or 1e-3, and 4e-5 lost up to 9.9 %).",
        severity=severity,
        help="Write the rate that is meant; lora_alpha is high enough to make up for it."
        if made_up
        else f"Start at {better:g}.",
        also=("learning_rate",),
        edits=() if made_up else (_rate(recipe, better),),
    )


def _too_low(rate: float, least: float, usual: float, *, silent: bool) -> Severity | None:
    if silent:
        return Severity.WARNING if rate < usual else Severity.INFO if rate <= usual else None
    if rate < least:
        return Severity.WARNING
    return Severity.INFO if rate < usual else None


def _alpha_makes_up(recipe: Recipe, rate: float) -> bool:
    """Whether alpha is, or may be, so high that the step is as large as usual."""
    alpha = recipe.settings.get("lora_alpha")
    if alpha is None:
        return False
    numbers = [v for v in alpha.candidates if isinstance(v, int | float) and abs(v) < LARGEST]
    return not numbers or max(numbers) * rate >= ENOUGH


def _continues(recipe: Recipe) -> bool:
    """Whether an adapter that is there already is trained further."""
    return recipe.may_be("adapter_name_or_path") or recipe.may_be("resume_from_checkpoint")


def _rate(recipe: Recipe, value: float) -> Edit:
    setting = recipe.settings.get("learning_rate")
    written = setting is not None and setting.span is not None
    return Set("learning_rate", value) if written else Add("learning_rate", value)


@rule("LL802", Severity.WARNING, evidence=[TINKER_SWEEP, OFFICIAL_RECIPES])
def learning_rate_too_high(
    recipe: Recipe,
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    lora_alpha: float | None = None,
    *,
    max: float = 1e-3,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """A learning rate at which nearly every run of a large sweep diverged.

    ## What it checks
    Supervised fine-tuning with an optimizer of the Adam family: a `learning_rate` above `max`
    (warning), or of at least 3e-3 with `learning_rate x lora_alpha` of at least 0.09 (error).
    Three times that for base models below 2 billion parameters, and where the size is not known.

    ## Why it matters
    In a sweep over 35 models with `lora_alpha` 32 nearly every run at 3e-3 diverged, over a
    hundred of them; 1e-3 was the best rate for some. Small models bear more: six of torchtune's
    recipes for models of 0.5 and 1.5 billion parameters use 2e-3.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-3, num_train_epochs=1, max_length=2048)  # LL802: 3e-3
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 2.0e-3  # LL802: 2.0e-3
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When `lora_alpha` is very low, or your own sweep chose the rate.

    ## Options
    - `max` (0.001): the highest rate that passes.
    """
    if training_kind != "sft" or optimizer_family != "adam" or learning_rate <= max:
        return
    factor = SMALL_FACTOR if may_be_small(recipe) else 1
    if learning_rate <= max * factor:
        return
    diverges = learning_rate >= 3e-3 * factor and (lora_alpha or 0) * learning_rate >= 0.09 * factor
    yield Problem(
        "learning_rate",
        f"learning_rate = {learning_rate:g}: at 3e-3 nearly every run of a sweep over 35 models "
        "diverged; the best rates were 3e-4 and 1e-3.",
        severity=Severity.ERROR if diverges else Severity.WARNING,
        help="Start at 2e-4.",
        also=("lora_alpha",) if diverges else (),
        edits=(_rate(recipe, 2e-4),),
    )


@rule("LL803", Severity.INFO, evidence=[PREFERENCE_PRACTICE])
def preference_lr_high(
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    *,
    preference: float = 5e-5,
    reinforcement: float = 1e-4,
) -> Iterator[Problem]:
    """A learning rate above what guides give for preferences and rewards.

    ## What it checks
    `learning_rate` above `preference` for DPO, KTO, ORPO and their like, or above `reinforcement`
    for GRPO, PPO and RLOO, with an optimizer of the Adam family.

    ## Why it matters
    Guides give 5e-6 to 1e-5 for DPO with LoRA and 1e-5 for GRPO, because these losses pull the
    model away from its reference quickly. This is a convention: no comparison of rates was found,
    and 12 of the 23 official preference recipes use 1e-4 or more. So it is only a hint.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4  # LL803: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 5.0e-6
    ```

    ## When to ignore it
    When rewards and the distance to the reference model look healthy in your logs.

    ## Options
    - `preference` (5e-05): the highest rate that passes for preference methods.
    - `reinforcement` (0.0001): the highest that passes for reward methods.
    """
    limits = {"preference": preference, "reinforcement": reinforcement}
    limit = limits.get(training_kind)
    if limit is None or optimizer_family != "adam" or learning_rate <= limit:
        return
    yield Problem(
        "learning_rate",
        f"learning_rate = {learning_rate:g} for a {training_kind} method: guides stay at or below "
        f"{limit:g} (guidance, not measured; half of the official recipes are above).",
        help="Watch the distance to the reference model, or start at 1e-5.",
    )


@rule("LL809", Severity.INFO, evidence=[DETTMERS_2023])
def big_model_lr(
    recipe: Recipe,
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    *,
    max: float = 2e-4,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """The usual learning rate on a model of 30 billion parameters and more.

    ## What it checks
    Supervised fine-tuning of a base model of at least 30 billion parameters, by the table of
    models or by its name, with a `learning_rate` of `max` or more. A name that speaks of experts
    (`A3B`, `8x7B`) is left alone.

    ## Why it matters
    QLoRA used 2e-4 for 7 and 13 billion parameters and 1e-4 for 33 and 65 billion. One source,
    and no sweep at that size is published, so it is only a hint.

    ## Bad
    ```yaml
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4  # LL809: 2.0e-4
    ```

    ## Good
    ```yaml
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 1.0e-4
    ```

    ## When to ignore it
    When the loss falls smoothly.

    ## Options
    - `max` (0.0002): told from this rate on.
    """
    if training_kind != "sft" or optimizer_family != "adam" or learning_rate < max:
        return
    if is_large(recipe, LARGE):
        yield Problem(
            "learning_rate",
            f"learning_rate = {learning_rate:g} on a base model of at least 30 billion parameters: "
            "QLoRA halved it to 1e-4 there.",
            help="Set learning_rate to 1e-4.",
            also=("model_name_or_path",),
            edits=(_rate(recipe, 1e-4),),
        )


@rule("LL810", Severity.INFO, evidence=[TINKER_SWEEP, SCHULMAN_2025])
def optimizer_outside_evidence(
    optim: str, optimizer_family: str, learning_rate: float
) -> Iterator[Problem]:
    """An optimizer for which nothing about learning rates is known here.

    ## What it checks
    `optim` is written and does not belong to the Adam family: SGD, Lion, Muon, Adafactor and
    their like.

    ## Why it matters
    Every measurement behind the rules on learning rates (LL103, LL801, LL802) was made with Adam,
    whose step does not depend on the size of the gradient. For another optimizer they would be
    guesses, so they are silent; this says that they are.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    optim: sgd  # LL810: sgd
    learning_rate: 1.0e-2
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    optim: adamw_torch
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the optimizer was chosen and its learning rate tuned.

    ## Options
    None.
    """
    if optimizer_family != "adam":
        yield Problem(
            "optim",
            f"optim = {optim}: what is known of LoRA's learning rates was measured with Adam, so "
            f"learning_rate = {learning_rate:g} was not checked.",
        )
