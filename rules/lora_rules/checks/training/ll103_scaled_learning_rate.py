"""Rule LL103, scaled-learning-rate."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import proposed, restarted
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import (
    BIDERMAN_2024,
    PEFT_BENCHMARK,
    SCHULMAN_2025,
    TINKER_SWEEP,
    ZHANG_2026,
)
from lora_rules.facts.adapter.good_step import RATES, TOO_LOW
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL103",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "alpha x init_A x LR_B, the rate of B, sets the initial slope of the learning curve "
            "under Adam; with lora_alpha=32 the best rate changes less than twofold from r=4 "
            "to r=512."
        ),
        TINKER_SWEEP.says(
            "The best learning rate of 34 of 35 models lies within 3e-4 and 1e-3, and 101 of 112 "
            "runs at 3e-3 diverged, those of Llama-3.2-1B at all four ranks."
        ),
        PEFT_BENCHMARK.disagrees(
            "At a product of 0.0512 (r=64, lora_alpha=64, rsLoRA, 1e-4) the accuracy is 51.3 %, at "
            "0.0128 (r=64, lora_alpha=128, LoRA) 47.4 %."
        ),
        BIDERMAN_2024.says(
            "With the Lion optimizer, r=256 and lora_alpha=512 the rate was halved from 2e-4 "
            "because of instabilities and loss spikes."
        ),
        ZHANG_2026.disagrees(
            "Alpha and the learning rate act differently: a higher alpha gains what a higher "
            "learning rate does not."
        ),
    ],
)
def scaled_learning_rate(
    learning_rate: Setting,
    lora_alpha: float,
    step_size: float,
    good_step: Lazy,
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
    `learning_rate x lora_alpha`, with rsLoRA times `sqrt(r)`, is below `min` or above `max`
    (warning) or above ten times `max` (error), in supervised fine-tuning with an optimizer of the
    Adam family.

    - Not checked: a `learning_rate` below 2e-5 (LL801) or above 1e-3 (LL802), LoRA+ (LL808).

    ## Why it matters
    Under Adam the product sets how fast the adapter moves at first, whatever `r` is. In the Tinker
    sweep the best rates were 3e-4 to 1e-3 for 34 of 35 models, and 101 of 112 runs at 3e-3
    diverged. Its laboratory trains with `lora_alpha` 32: products of 0.0096 to 0.032, and 0.096.
    `min` is less than a thirtieth of the best.

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
    lora_r: 8
    lora_alpha: 2  # LL103: 2
    lora_target_linear: true
    learning_rate: 1.0e-4
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
    When the rate was tuned at this alpha.

    ## Options
    - `min` (0.0003): the lowest product that passes.
    - `max` (0.1): the highest.
    """
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or loraplus_lr_ratio is not None:
        return
    if step_size <= 0 or not TOO_LOW <= value <= RATES[1] or min <= step_size <= max:
        return
    high = step_size > max
    root = step_size / (value * lora_alpha)
    factor, number = (" x sqrt(r)", f" x {root:.3g}") if use_rslora else ("", "")
    yield Problem(
        "lora_alpha",
        f"learning_rate x lora_alpha{factor} = {value:g} x {lora_alpha:g}{number} = "
        f"{step_size:.3g}: "
        + (
            "runs diverge near 0.1, and the best of a large sweep lie at 0.01 to 0.03."
            if high
            else f"below {min:g} the adapter hardly moves; the best lie at 0.01 to 0.03."
        ),
        severity=Severity.ERROR if step_size > 10 * max else Severity.WARNING,
        help=_help(learning_rate, lora_alpha, good_step),
        also=("learning_rate", "r") if use_rslora else ("learning_rate",),
        edits=restarted(learning_rate, lora_alpha, good_step).edits,
    )


def _help(learning_rate: Setting, lora_alpha: float, good_step: Lazy) -> str:
    step = proposed(good_step)
    if step is None or step.alpha == lora_alpha:
        return "Bring the product near 0.01: move learning_rate or lora_alpha, either will do."
    return restarted(learning_rate, lora_alpha, good_step).help
