"""Rule LL906, no-eval-small-data."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import LIMA_2023, OFFICIAL_RECIPES
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
        LIMA_2023.says(
            "The checkpoint was chosen on 50 held-out examples: on 1,000 examples neither the last "
            "epoch nor the perplexity told which is best."
        ),
        OFFICIAL_RECIPES.disagrees(
            "23 of the 63 recipes of axolotl with several epochs hold nothing out."
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
    Supervised fine-tuning has fewer than `max_rows` rows and more than one epoch, and neither
    held-out data nor an evaluation strategy nor early stopping.

    - Runs with a written `max_steps` are not checked.

    ## Why it matters
    The training loss falls with every further epoch, also while the model only learns its rows by
    heart. Held-out rows show the difference: LIMA chose its checkpoint with 50 of them. 23 of the
    63 official axolotl recipes with several epochs have none, so this is an info.

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
