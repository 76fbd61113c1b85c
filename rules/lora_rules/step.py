"""Learning rate times scale: how far a step really moves the adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    BIDERMAN_2024,
    CHEN_2026,
    HAYOU_2024,
    KALAJDZIEVSKI_2023,
    OFFICIAL_RECIPES,
    SCHULMAN_2025,
    TINKER_SWEEP,
)
from lora_rules.facts.model_size import may_be_small
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Set, Severity, rule

HEADROOM = 2.5
"""How much more small models bear: torchtune's 0.5B and 1.5B recipes run at 0.128."""


@rule("LL103", Severity.WARNING, evidence=[SCHULMAN_2025, TINKER_SWEEP, BIDERMAN_2024])
def scaled_learning_rate(
    recipe: Recipe,
    learning_rate: float,
    lora_alpha: float,
    step_size: float,
    training_kind: str,
    optimizer_family: str,
    use_rslora: bool = False,
    loraplus_lr_ratio: float | None = None,
    *,
    min: float = 3e-4,  # noqa: A002 - the option's name, as users write it
    max: float = 0.1,  # noqa: A002
) -> Iterator[Problem]:
    """Learning rate times lora_alpha is far from what works, though each looks usual.

    ## What it checks
    `learning_rate x lora_alpha`, with rsLoRA times `sqrt(r)`, in supervised fine-tuning with an
    optimizer of the Adam family: below `min` or above `max` (warning), above ten times `max`
    (error). The upper limits are 2.5 times higher for base models below 2 billion parameters, and
    where the size is not known. A learning rate that is out of range by itself is LL801's and
    LL802's to tell. LoRA+ has LL808.

    ## Why it matters
    Under Adam the product sets how fast the adapter moves at first, whatever `r` is: doubling
    alpha does what doubling the rate does. At 3e-3 with `lora_alpha` 32 (0.096) nearly every run
    of a sweep diverged; at 1e-4 with 512 (0.05) runs still trained, and at 2e-4 (0.1) they had
    spikes. The best rates of that sweep give 0.0096 and 0.032.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=256, lora_alpha=512, target_modules="all-linear")  # LL103: 512
    args = SFTConfig(learning_rate=5e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 4  # LL103: 4
    lora_target_linear: true
    learning_rate: 5.0e-5
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=128, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=3e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When the rate was tuned at this alpha. A run at 0.15 (r=256, alpha 512, 3e-4) has been reported
    to work.

    ## Options
    - `min` (0.0003): the lowest product that passes.
    - `max` (0.1): the highest.
    """
    if training_kind != "sft" or optimizer_family != "adam" or loraplus_lr_ratio is not None:
        return
    if step_size <= 0 or not 2e-5 <= learning_rate <= 1e-3:
        return
    high = step_size > max and step_size > max * (HEADROOM if may_be_small(recipe) else 1.0)
    if min <= step_size and not high:
        return
    factor = " x sqrt(r)" if use_rslora else ""
    yield Problem(
        "lora_alpha",
        f"learning_rate x lora_alpha{factor} = {learning_rate:g} x {lora_alpha:g}{factor} = "
        f"{step_size:.3g}: "
        + (
            "runs diverge near 0.1, and the best of a large sweep lie at 0.01 to 0.03."
            if high
            else f"below {min:g} the adapter hardly moves; the best lie at 0.01 to 0.03."
        ),
        severity=Severity.ERROR if step_size > 10 * max and high else Severity.WARNING,
        help="Bring the product near 0.01: move learning_rate or lora_alpha, either will do.",
        also=("learning_rate", "r") if use_rslora else ("learning_rate",),
        edits=(Set("learning_rate", float(f"{learning_rate * 0.01 / step_size:.1g}")),),
    )


@rule("LL105", Severity.WARNING, evidence=[KALAJDZIEVSKI_2023, SCHULMAN_2025])
def rslora_double_scaling(
    r: int,
    lora_alpha: float,
    use_rslora: bool,
    adapter_scale: float,
    *,
    max: float = 16.0,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """Alpha grows with the rank, and rsLoRA multiplies by its root once more.

    ## What it checks
    `use_rslora` with `lora_alpha` of at least `2 x r` at `r` of 32 and more, or a scale
    `lora_alpha / sqrt(r)` above `max`.

    ## Why it matters
    rsLoRA exists so that alpha can stay where it is while the rank grows: it divides by `sqrt(r)`
    where LoRA divides by `r`. With the habit of `lora_alpha = 2 x r` on top the scale is
    `2 x sqrt(r)`, 16 at r=64 and 32 at r=256, and the step is that much larger than at the same
    learning rate without rsLoRA. The one published gain of rsLoRA at r=64 was with alpha 64, a
    scale of 8.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=128, use_rslora=True)  # LL105: 128
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=16, use_rslora=True)
    ```

    ## When to ignore it
    When the learning rate was lowered to match.

    ## Options
    - `max` (16.0): the highest scale that passes.
    """
    if not use_rslora or (adapter_scale <= max and not (lora_alpha >= 2 * r and r >= 32)):
        return
    yield Problem(
        "lora_alpha",
        f"use_rslora with lora_alpha = {lora_alpha:g} at r = {r}: the scale is lora_alpha / "
        f"sqrt(r) = {adapter_scale:.3g}, {r**0.5:.3g} times that of LoRA with the same alpha.",
        help="Set lora_alpha to 16 or to r, or lower learning_rate by as much.",
        also=("use_rslora", "r"),
    )


@rule("LL106", Severity.WARNING, evidence=[SCHULMAN_2025, CHEN_2026])
def sweep_confounds_rank_and_lr(recipe: Recipe) -> Iterator[Problem]:
    """A sweep over ranks in which alpha follows the rank, at one learning rate.

    ## What it checks
    `r` takes three or more values from a loop around the `LoraConfig`, `lora_alpha` is always the
    same multiple of it, and there is one `learning_rate`.

    ## Why it matters
    With `lora_alpha = k x r` the best learning rate falls as the rank grows; with a fixed alpha
    it hardly moves (less than twofold from r=4 to r=512). A sweep that ties the two compares ranks
    at learning rates that suit them unequally, and usually finds the rank at which the rate
    happened to be right.

    ## Bad
    ```python
    from peft import LoraConfig

    for rank in (8, 32, 128):
        config = LoraConfig(r=rank, lora_alpha=2 * rank)  # LL106: rank
    ```

    ## Good
    ```python
    from peft import LoraConfig

    for rank in (8, 32, 128):
        config = LoraConfig(r=rank, lora_alpha=32)
    ```

    ## When to ignore it
    When the learning rate is swept at every rank by other means.

    ## Options
    None.
    """
    ranks, alphas = recipe.settings.get("r"), recipe.settings.get("lora_alpha")
    rate = recipe.settings.get("learning_rate")
    if ranks is None or alphas is None or recipe.known("swept_by_loop") is not True:
        return
    if rate is not None and not rate.known:
        return
    if len(ranks.candidates) < 3 or len(alphas.candidates) != len(ranks.candidates):
        return
    pairs = list(zip(ranks.candidates, alphas.candidates, strict=True))
    if not all(_is_number(r) and _is_number(alpha) and r for r, alpha in pairs):
        return
    ratios = {float(str(alpha)) / float(str(r)) for r, alpha in pairs}
    if len(ratios) == 1:
        yield Problem(
            "r",
            f"r takes {len(pairs)} values and lora_alpha is always {ratios.pop():g} x r, at one "
            "learning rate: the best rate falls as r grows, so ranks are compared unequally.",
            help="Keep lora_alpha fixed (16 or 32), or sweep learning_rate at every rank.",
            also=("lora_alpha", "learning_rate"),
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@rule("LL808", Severity.WARNING, evidence=[HAYOU_2024, TINKER_SWEEP, OFFICIAL_RECIPES])
def lora_plus_b_lr(
    recipe: Recipe,
    learning_rate: float,
    loraplus_lr_ratio: float,
    step_size: float,
    optimizer_family: str,
    *,
    max: float = 0.1,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """LoRA+ gives the B matrices a learning rate at which runs diverge.

    ## What it checks
    `learning_rate x loraplus_lr_ratio x lora_alpha` above `max`, with an optimizer of the Adam
    family; 2.5 times that for base models below 2 billion parameters, and where the size is not
    known.

    ## Why it matters
    `loraplus_lr_ratio` multiplies the learning rate of the B matrices. B starts at zero, so its
    rate alone sets how fast the adapter moves at first. The ratio of 16 that LoRA+ proposes goes
    with a lower base rate: with 2e-4 and `lora_alpha` 64 the product is 0.2, twice the value at
    which nearly every run of a sweep diverged.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 32
    lora_alpha: 64
    loraplus_lr_ratio: 16  # LL808: 16
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_alpha: 16
    loraplus_lr_ratio: 16
    num_train_epochs: 1
    learning_rate: 1.0e-4
    ```

    ## When to ignore it
    When the rate was tuned with this ratio.

    ## Options
    - `max` (0.1): the highest product that passes.
    """
    product = step_size * loraplus_lr_ratio
    if optimizer_family != "adam" or loraplus_lr_ratio <= 1 or product <= max:
        return
    if product <= max * (HEADROOM if may_be_small(recipe) else 1.0):
        return
    yield Problem(
        "loraplus_lr_ratio",
        f"LoRA+ trains B at {learning_rate:g} x {loraplus_lr_ratio:g} = "
        f"{learning_rate * loraplus_lr_ratio:.3g}, times lora_alpha {product:.3g}: runs diverge "
        "near 0.1.",
        help="Lower learning_rate: LoRA+ was shown with base rates of 5e-5 to 1e-4.",
        also=("learning_rate", "lora_alpha"),
    )
