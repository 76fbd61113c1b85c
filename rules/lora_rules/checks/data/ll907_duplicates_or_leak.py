"""Rule LL907, duplicates-or-leak."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ARITHMETIC
from lora_rules.facts.run.written_keys import written
from lora_rules.recipe import Blocks
from lora_rules.repository import Repository


@rule(
    "LL907",
    Severity.ERROR,
    evidence=[
        ARITHMETIC.says("Rows that are trained on are no sample of rows that are not."),
    ],
)
def duplicates_or_leak(
    blocks: Blocks,
    repository: Repository,
    framework: Behaviour,
    train_dataset: list[str] | str,
    eval_dataset: list[str] | str,
) -> Iterator[Problem]:
    """The model is evaluated on the data that it is trained on.

    ## What it checks
    The same data set stands among the training and the evaluation data: an error where it is a file
    that is there, a warning where it is a name.

    - Checked in frameworks whose names say all of it: LLaMA-Factory, ms-swift, lora-launch, and
      axolotl where path, split and files are the same.
    - Repeated rows are LL908's.

    ## Why it matters
    The evaluation loss then falls with the training loss whatever happens, so that overfitting,
    early stopping and the choice of the best checkpoint mean nothing.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    dataset: alpaca_en_demo
    eval_dataset: alpaca_en_demo  # LL907: alpaca_en_demo
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    dataset: alpaca_en_demo
    val_size: 0.1
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the evaluation is only there to see that it runs.

    ## Options
    None.
    """
    both = [name for name in _named(eval_dataset) if name in _named(train_dataset)]
    if not both or not framework.files_are_datasets:
        return
    if framework.evaluates_other_rows(lambda name: written(blocks, name)):
        return
    there = any(repository.has_file(name) for name in both)
    yield Problem(
        "eval_dataset",
        f"{', '.join(both)} is trained on and evaluated on: the evaluation shows nothing.",
        severity=Severity.ERROR if there else Severity.WARNING,
        help="Hold out a part that is not trained on.",
        also=("train_dataset",),
    )


def _named(value: list[str] | str) -> list[str]:
    names = [value] if isinstance(value, str) else list(value)
    return [os.path.normpath(name) if os.sep in name else name for name in names]
