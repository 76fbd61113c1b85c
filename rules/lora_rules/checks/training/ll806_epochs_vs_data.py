"""Rule LL806, epochs-vs-data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import (
    KOPICZKO_2026,
    LIMA_2023,
    OFFICIAL_RECIPES,
    TULU_3,
    WANG_2025,
)

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.data.dataset import Rows


REASONING = lazily(r"reason|think|cot\b|limo|s1k|openr1|math|aime|gsm8k", re.IGNORECASE)
"""Names of data sets with long solutions, which bear hundreds of repetitions."""


@rule(
    "LL806",
    Severity.WARNING,
    evidence=[
        WANG_2025.says(
            "Repeated data make language models of 0.6B to 8B overfit: their ability declines "
            "markedly with further epochs."
        ),
        OFFICIAL_RECIPES.says("One of 309 trains more than 5 epochs, and 218 train one."),
        TULU_3.says("Two epochs of supervised full fine-tuning."),
        LIMA_2023.says(
            "15 epochs of full fine-tuning on 1,000 examples, of which a checkpoint between the "
            "5th and the 10th epoch was chosen on held-out examples."
        ),
        KOPICZKO_2026.disagrees(
            "On long chains of thought 128 epochs of 400 examples beat one epoch of 51,200 by 12 "
            "to 26 points."
        ),
    ],
)
def epochs_vs_data(
    num_train_epochs: float,
    dataset_rows: Rows,
    training_kind: str,
    train_dataset: Value,
    model_name_or_path: Value,
    evaluation_split: Lazy,
    max_steps: int | None = None,
    *,
    tiny: int = 5,
    usual: int = 3,
    large: int = 2,
) -> Iterator[Problem]:
    """More epochs than a dataset of this size is usually given.

    ## What it checks
    Supervised fine-tuning has more than `tiny` epochs on fewer than 1,000 rows, more than `usual`
    on up to 50,000, or more than `large` on more (info).

    - It is a warning with more than 5 epochs on 1,000 rows or more and nothing held out.
    - Rows are counted or declared. Runs with a written `max_steps` are not checked.
    - Data or models whose name speaks of reasoning or mathematics are not checked.

    ## Why it matters
    Repeated data make a model overfit, and without held-out rows nobody sees it. Of the 309
    official recipes one trains more than 5 epochs. Tulu 3 has two; LIMA trained 15 on 1,000 rows
    and kept a checkpoint of the 5th to the 10th (both full fine-tuning). Long chains of thought
    differ: there 128 epochs of 400 rows beat one of 51,200 by 12 to 26 points.

    ## Bad
    ```yaml
    # lora-lint: train-rows=20000
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: my-company/support-dialogues}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    sequence_len: 2048
    num_epochs: 10  # LL806: 10
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=20000
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: my-company/support-dialogues}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    sequence_len: 2048
    num_epochs: 2
    val_set_size: 0.05
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the loss on held-out rows still falls.

    ## Options
    - `tiny` (5): the most epochs that pass below 1,000 rows.
    - `usual` (3): the most from there to 50,000 rows.
    - `large` (2): the most above.
    """
    if training_kind != "sft" or (max_steps or 0) > 0:
        return
    if _reasons(train_dataset) or _reasons(model_name_or_path):
        return
    rows = dataset_rows.number
    most = tiny if rows < 1000 else usual if rows <= 50_000 else large
    if num_train_epochs <= most or not dataset_rows.exact:
        return
    unseen = num_train_epochs > 5 and rows >= 1000 and not evaluation_split()
    yield Problem(
        "num_train_epochs",
        f"{num_train_epochs:g} epochs of {rows:,} rows: {most} and fewer are usual"
        + (", and nothing is held out that would show overfitting." if unseen else "."),
        severity=Severity.WARNING if unseen else Severity.INFO,
        help="Hold out a part and stop when its loss rises.",
        also=("train_rows",),
    )


def _reasons(name: Value) -> bool:
    return isinstance(name, Known) and REASONING.search(str(name.value)) is not None
