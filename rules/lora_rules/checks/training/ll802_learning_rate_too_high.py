"""Rule LL802, learning-rate-too-high."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import Repair, restarted
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, is_given, number_of
from lora_rules.evidence import (
    OFFICIAL_RECIPES,
    TINKER_FORMULA,
    TINKER_SWEEP,
)
from lora_rules.facts.adapter.good_step import BEST
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

SMALL = 2e9
SMALL_FACTOR = 2
"""Six of torchtune's recipes for Qwen2 0.5B and 1.5B use 2e-3; at 3e-3 Llama-3.2-1B diverged."""
DIVERGED = (3e-3, 0.09)
"""Rate and step of the runs that diverged: 3e-3 with lora_alpha 32."""


@rule(
    "LL802",
    Severity.WARNING,
    evidence=[
        TINKER_SWEEP.says(
            "101 of 112 runs at 3e-3 diverged, those of Llama-3.2-1B at all four ranks; at 1e-3 4 "
            "of 115 did, 3 of them of Llama-3.1-70B."
        ),
        TINKER_FORMULA.says(
            "Recommends 5e-4 x (2000 / hidden size) ^ 0.781 for Llama and ^ 0.0775 for Qwen: less "
            "than 1e-3 for every model that it lists."
        ),
        OFFICIAL_RECIPES.says(
            "Six of torchtune's recipes, for Qwen2 and Qwen2.5 of 0.5B and 1.5B, use 2e-3, one of "
            "axolotl's 3e-3; the other 302 are at 1e-3 or below."
        ),
    ],
)
def learning_rate_too_high(
    learning_rate: Setting,
    training_kind: str,
    optimizer_family: str,
    model_size: Lazy,
    step_size: Value,
    good_step: Lazy,
    loraplus_lr_ratio: Value,
    lora_alpha: float | None = None,
    *,
    max: float = 1e-3,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """A learning rate at which nearly every run of a large sweep diverged.

    ## What it checks
    In supervised fine-tuning with an optimizer of the Adam family, a `learning_rate` above `max`,
    and above twice that for base models below 2 billion parameters (warning).

    - An error from 3e-3 on, if `learning_rate x lora_alpha` (with rsLoRA times `sqrt(r)`) is 0.09
      and more, for models of every size.
    - Info, and no fix: below 3e-3 without LoRA+, where that product is at most 0.032, because
      `lora_alpha` is low.

    ## Why it matters
    In a sweep over 35 models 101 of 112 runs at 3e-3 diverged, those of Llama-3.2-1B at all four
    ranks; its laboratory trains with `lora_alpha` 32, so the product was 0.096. At 1e-3 four of
    115 diverged, and it was the best rate of ten models. Six of torchtune's recipes for models of
    0.5 and 1.5 billion parameters use 2e-3.

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
    lora_alpha: 32
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
    When your own sweep chose the rate.

    ## Options
    - `max` (0.001): the highest rate that passes.
    """
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or value <= max:
        return
    if value <= max * SMALL_FACTOR and model_size().is_small(SMALL):
        return
    known = step_size if isinstance(step_size, int | float) else None
    plus = is_given(loraplus_lr_ratio)
    severity = Severity.WARNING
    repair = restarted(learning_rate, lora_alpha, good_step)
    because = ""
    if known is not None and value >= DIVERGED[0] and known >= DIVERGED[1]:
        severity = Severity.ERROR
    elif known is not None and value < DIVERGED[0] and 0 < known <= BEST[1] and not plus:
        severity = Severity.INFO
        repair = Repair("Nothing has to change while lora_alpha stays as low.", ())
        because = f"; lora_alpha is low, and the product of the two, {known:.3g}, is not too high"
    yield Problem(
        "learning_rate",
        f"learning_rate = {value:g}: at 3e-3 nearly every run of a sweep over 35 models "
        f"diverged; the best rates were 3e-4 to 1e-3{because}.",
        severity=severity,
        help=repair.help,
        also=() if severity is Severity.WARNING else ("lora_alpha",),
        edits=repair.edits,
    )
