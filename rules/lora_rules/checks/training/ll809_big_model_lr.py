"""Rule LL809, big-model-lr."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import LARGE, rate
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import (
    DETTMERS_2023,
)
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL809",
    Severity.INFO,
    evidence=[
        DETTMERS_2023.says(
            "lora_alpha=16 fixed with r=64; rank does not matter once all linear layers "
            "are adapted; NF4 with double quantization takes 4.127 bits a parameter and "
            "keeps 16-bit quality."
        ),
    ],
)
def big_model_lr(
    learning_rate: Setting,
    training_kind: str,
    optimizer_family: str,
    model_size: Lazy,
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
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or value < max:
        return
    if model_size().is_large(LARGE):
        yield Problem(
            "learning_rate",
            f"learning_rate = {value:g} on a base model of at least 30 billion parameters: "
            "QLoRA halved it to 1e-4 there.",
            help="Set learning_rate to 1e-4.",
            also=("model_name_or_path",),
            edits=(rate(learning_rate, 1e-4),),
        )
