"""Rule LL908, repeated-rows."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ARITHMETIC

if TYPE_CHECKING:
    from lora_rules.facts.data.local_rows import RepeatedRows


@rule(
    "LL908",
    Severity.INFO,
    evidence=[
        ARITHMETIC.says("A row that is there twice has twice the weight in the loss of an epoch."),
    ],
)
def repeated_rows(repeated_rows: RepeatedRows) -> Iterator[Problem]:
    """Many rows of the training data are there twice.

    ## What it checks
    More than 5 % of the rows of local JSON and JSON lines data of up to 8 MiB are the same, letter
    by letter, as an earlier one.

    ## Why it matters
    A repeated row weighs more than the others, and ends up on both sides when rows are held out at
    random: the evaluation then counts what was trained on.

    ## Bad
    The tests run this rule on a file of repeated rows.

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    dataset: alpaca_en_demo
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When rows are repeated to give them weight.

    ## Options
    None.
    """
    rows, repeated = repeated_rows
    if repeated > 0.05 * rows:
        yield Problem(
            "train_dataset",
            f"{repeated:,} of {rows:,} rows repeat an earlier one letter by letter.",
            help="Remove them.",
        )
