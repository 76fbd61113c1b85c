"""Rule LL906, no-eval-small-data."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import GUIDE_EVALUATION
from lora_rules.facts.run.framework_defaults import place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.engine.views import Outline
    from lora_rules.facts.data.dataset import Rows


@rule(
    "LL906",
    Severity.INFO,
    evidence=[
        GUIDE_EVALUATION.says(
            "Without held-out examples overfitting cannot be seen; 23 of 63 official "
            "axolotl recipes with several epochs have none."
        ),
    ],
)
def no_eval_small_data(
    outline: Outline,
    blocks: Blocks,
    num_train_epochs: Setting,
    dataset_rows: Rows,
    training_kind: str,
    evaluation_split: Lazy,
    max_steps: int | None = None,
    *,
    max_rows: int = 5000,
) -> Iterator[Problem]:
    """Several epochs of little data, and nothing held out.

    ## What it checks
    Supervised fine-tuning on fewer than `max_rows` rows for more than one epoch, without held-out
    data, an evaluation strategy or early stopping.

    ## Why it matters
    Little data seen several times is where a model begins to learn it by heart, and the training
    loss looks best just then. Without held-out rows nobody sees it.

    ## Bad
    ```yaml
    # lora-lint: train-rows=2000
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: my-company/support-dialogues}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    num_epochs: 3  # LL906: 3
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=2000
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: my-company/support-dialogues}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    num_epochs: 3
    val_set_size: 0.05
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the model is judged in another way.

    ## Options
    - `max_rows` (5000): the most rows that count as little data.
    """
    epochs = number_of(num_train_epochs)
    if training_kind != "sft" or (max_steps or 0) > 0 or not outline.trains:
        return
    if dataset_rows.number >= max_rows or epochs <= 1 or evaluation_split():
        return
    yield Problem(
        place_of(num_train_epochs, blocks),
        f"{epochs:g} epochs of {dataset_rows.number:,} rows and nothing held out: "
        "overfitting would not be seen.",
        help="Hold out 5 to 10 % of the rows and evaluate each epoch.",
        also=("num_train_epochs", "train_rows"),
    )
