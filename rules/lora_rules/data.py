"""The training data: what of it is seen, and what is held out."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_rules.evidence import (
    ARITHMETIC,
    GUIDE_EVALUATION,
    PROMPT_LOSS,
)
from lora_rules.facts.held_out import holds_out_or_stops
from lora_rules.facts.silent import place_of
from lora_rules.recipe import Key, Recipe
from lora_rules.rule import Problem, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.dataset import Rows
    from lora_rules.facts.local_rows import RepeatedRows

ON_PROMPTS = {
    "train_on_inputs": True,
    "train_on_prompt": True,
    "train_on_input": True,
    "completion_only_loss": False,
    "mask_prompt": False,
}
"""Keys of axolotl, LLaMA-Factory, torchtune, TRL and litgpt, and the value that means it."""


@rule("LL902", Severity.INFO, evidence=[PROMPT_LOSS])
def loss_on_prompt(recipe: Recipe, training_kind: str) -> Iterator[Problem]:
    """The loss counts the prompts as well as the answers.

    ## What it checks
    A key that asks for it in so many words: `train_on_inputs: true` (axolotl), `train_on_prompt`
    (LLaMA-Factory), `train_on_input` (torchtune), `mask_prompt: false` (litgpt, mlx-lm),
    `completion_only_loss=False` (TRL), in supervised fine-tuning.

    ## Why it matters
    The model then also learns to write prompts. Where that was measured, masking them gained about
    a point; but with long prompts, short answers or few examples a loss on the prompt helped. So
    it is a question worth asking, not a fault.

    ## Bad
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    train_on_inputs: true  # LL902: true
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    train_on_inputs: false
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When answers are short, prompts are long, or both are wanted.

    ## Options
    None.
    """
    if training_kind != "sft":
        return
    for key in _keys(recipe):
        name = key.name.rpartition(".")[2]
        if name in ON_PROMPTS and key.candidates == (ON_PROMPTS[name],):
            yield Problem(
                key.value_span or key.span,
                f"{name} = {str(key.candidates[0]).lower()}: the loss counts the prompts too; "
                "masking them gained about a point where it was measured, and lost where prompts "
                "are long.",
                help="Compare both on held-out examples.",
            )


def _keys(recipe: Recipe) -> Iterator[Key]:
    for block in recipe.blocks:
        yield from block.keys


@rule("LL906", Severity.INFO, evidence=[GUIDE_EVALUATION])
def no_eval_small_data(
    recipe: Recipe,
    num_train_epochs: float,
    dataset_rows: Rows,
    training_kind: str,
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
    if training_kind != "sft" or (max_steps or 0) > 0 or not recipe.trains:
        return
    if dataset_rows.number >= max_rows or num_train_epochs <= 1 or holds_out_or_stops(recipe):
        return
    yield Problem(
        place_of(recipe, "num_train_epochs"),
        f"{num_train_epochs:g} epochs of {dataset_rows.number:,} rows and nothing held out: "
        "overfitting would not be seen.",
        help="Hold out 5 to 10 % of the rows and evaluate each epoch.",
        also=("num_train_epochs", "train_rows"),
    )


@rule("LL907", Severity.ERROR, evidence=[ARITHMETIC])
def duplicates_or_leak(
    recipe: Recipe, train_dataset: list[str] | str, eval_dataset: list[str] | str
) -> Iterator[Problem]:
    """The model is evaluated on the data that it is trained on.

    ## What it checks
    The same data set stands among the training and the evaluation data, in frameworks whose names
    say all of it: LLaMA-Factory, ms-swift, lora-launch, and axolotl where path, split and files
    are the same. It is an error where it is a file that is there, and a warning where it is a
    name. Repeated rows are LL908's.

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
    from lora_rules.facts.local_rows import local_file  # only where there is evaluation data

    both = [name for name in _named(eval_dataset) if name in _named(train_dataset)]
    if not both or recipe.dialect not in ("llamafactory", "ms-swift", "lora-launch", "axolotl"):
        return
    if recipe.dialect == "axolotl" and not _same_entries(recipe):
        return
    there = any(local_file(name, recipe) is not None for name in both)
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


def _same_entries(recipe: Recipe) -> bool:
    """Whether an entry of ``test_datasets`` takes the same part as one of ``datasets``."""
    lists = {key.name: key.candidates[0] for key in _keys(recipe) if len(key.candidates) == 1}
    train, test = lists.get("datasets"), lists.get("test_datasets")
    if not isinstance(train, list) or not isinstance(test, list):
        return False
    return bool({_entry(each) for each in train} & {_entry(each) for each in test})


def _entry(item: object) -> tuple[str, ...]:
    if not isinstance(item, dict):
        return ("?",)
    return tuple(str(item.get(name)) for name in ("path", "name", "split", "data_files", "shards"))


@rule("LL908", Severity.INFO, evidence=[ARITHMETIC])
def repeated_rows(recipe: Recipe, repeated_rows: RepeatedRows) -> Iterator[Problem]:
    """Many rows of the training data are there twice.

    ## What it checks
    Local JSON and JSON lines data of up to 8 MiB: more than 5 % of the rows are the same, letter
    by letter, as an earlier one.

    ## Why it matters
    A repeated row weighs more than the others, is soonest learned by heart, and ends up on both
    sides when rows are held out at random.

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
