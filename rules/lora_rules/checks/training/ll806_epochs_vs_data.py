"""Rule LL806, epochs-vs-data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import EPOCHS_CONTESTED, RASCHKA_2023

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.data.dataset import Rows


REASONING = lazily(r"reason|think|cot\b|limo|s1k|openr1|math|aime|gsm8k", re.IGNORECASE)
"""Names of data sets with long solutions, which bear hundreds of repetitions."""


@rule(
    "LL806",
    Severity.WARNING,
    evidence=[
        RASCHKA_2023.says(
            "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca; "
            "Llama-2-7B took 21.33 GB with LoRA and 14.18 GB with QLoRA (r=8, q and v, "
            "one A100)."
        ),
        EPOCHS_CONTESTED.says(
            "Repeating 50,000 examples hurt or did nothing; on long chains of thought 128 "
            "epochs of 400 examples beat one epoch of 51,200 by 12 to 26 points."
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
    Supervised fine-tuning for more than `tiny` epochs on fewer than 1,000 rows, more than `usual`
    on up to 50,000, more than `large` on more (info). It is a warning where there are more than
    five epochs on 1,000 rows or more and nothing is held out to see overfitting. Rows are counted
    or declared; data whose name speaks of reasoning or mathematics are left alone.

    ## Why it matters
    Practice differs: two epochs of Alpaca's 50,000 rows were worse than one, Tulu 3 settled on
    two, LIMA trained 15 on 1,000 rows. Long chains of thought are another matter: there 128 epochs
    of 400 rows beat one of 51,200 by 12 to 26 points. So the number alone proves nothing; the
    number without held-out rows means that nobody would notice.

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
