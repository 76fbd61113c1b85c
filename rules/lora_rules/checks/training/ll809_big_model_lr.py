"""Rule LL809, big-model-lr."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import restarted
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, number_of
from lora_rules.evidence import (
    DETTMERS_2023,
    TINKER_FORMULA,
    TINKER_SWEEP,
)
from lora_rules.facts.adapter.good_step import RATES
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

LARGE = 60e9
DIVERGED = 0.03
"""Below the step of the runs that diverged: 1e-3 with lora_alpha 32."""


@rule(
    "LL809",
    Severity.WARNING,
    evidence=[
        TINKER_SWEEP.says(
            "Llama-3.1-70B diverged in 3 of 3 runs at 1e-3; 3e-4 was the best for it, for "
            "Llama-3.3-70B and for the three dense models of 27B and 32B, and 1e-4 cost 1.0 to "
            "1.3 %."
        ),
        TINKER_FORMULA.says(
            "Recommends 1.7e-4 for Llama models of 70B: 5e-4 x (2000 / 8192) ^ 0.781."
        ),
        DETTMERS_2023.says("Used 2e-4 for 7B and 13B, and 1e-4 for 33B and 65B, at lora_alpha=16."),
    ],
)
def big_model_lr(
    learning_rate: Setting,
    training_kind: str,
    optimizer_family: str,
    model_size: Lazy,
    step_size: Value,
    good_step: Lazy,
    lora_alpha: float | None = None,
    *,
    max: float = 1e-3,  # noqa: A002 - the option's name, as users write it
) -> Iterator[Problem]:
    """The highest usual learning rate, on a dense model of 60 billion parameters and more.

    ## What it checks
    In supervised fine-tuning with an optimizer of the Adam family, a `learning_rate` from `max` to
    1e-3 on a dense base model of at least 60 billion parameters, by the table of models or by its
    name.

    - Not checked: a name that speaks of experts (`A3B`, `8x7B`), a rate above 1e-3 (LL802), and a
      `learning_rate x lora_alpha` below 0.03.

    ## Why it matters
    In the Tinker sweep Llama-3.1-70B diverged in all three runs at 1e-3. The best rate of the five
    dense models of 27 to 70 billion parameters was 3e-4, as for most smaller ones, and 1e-4, which
    QLoRA used, cost 1.0 to 1.3 % of the loss. Sources disagree on how the best rate depends on
    size: Tinker's formula halves it from Llama 8B to 70B.

    ## Bad
    ```yaml
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 1.0e-3  # LL809: 1.0e-3
    ```

    ## Good
    ```yaml
    base_model: meta-llama/Llama-3.1-70B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 3.0e-4
    ```

    ## When to ignore it
    When your own sweep chose the rate.

    ## Options
    - `max` (0.001): the lowest rate that is reported.
    """
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or not max <= value <= RATES[1]:
        return
    if isinstance(step_size, int | float) and step_size < DIVERGED:
        return
    if model_size().is_large(LARGE):
        repair = restarted(learning_rate, lora_alpha, good_step)
        yield Problem(
            "learning_rate",
            f"learning_rate = {value:g} on a dense base model of at least 60 billion parameters: "
            "Llama-3.1-70B diverged in 3 of 3 runs at 1e-3.",
            help=repair.help,
            also=("model_name_or_path",),
            edits=repair.edits,
        )
