"""How often the data are seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.evidence import EPOCHS_CONTESTED, RASCHKA_2023, TRL_SOURCE
from lora_rules.facts.held_out import holds_out_or_stops
from lora_rules.facts.silent import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Recipe
from lora_rules.record import lazily
from lora_rules.rule import Problem, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.dataset import Rows

REASONING = lazily(r"reason|think|cot\b|limo|s1k|openr1|math|aime|gsm8k", re.IGNORECASE)
"""Names of data sets with long solutions, which bear hundreds of repetitions."""


@rule("LL806", Severity.WARNING, evidence=[RASCHKA_2023, EPOCHS_CONTESTED])
def epochs_vs_data(
    recipe: Recipe,
    num_train_epochs: float,
    dataset_rows: Rows,
    training_kind: str,
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
    if training_kind != "sft" or (max_steps or 0) > 0 or _reasons(recipe):
        return
    rows = dataset_rows.number
    most = tiny if rows < 1000 else usual if rows <= 50_000 else large
    if num_train_epochs <= most or not dataset_rows.exact:
        return
    unseen = num_train_epochs > 5 and rows >= 1000 and not holds_out_or_stops(recipe)
    yield Problem(
        "num_train_epochs",
        f"{num_train_epochs:g} epochs of {rows:,} rows: {most} and fewer are usual"
        + (", and nothing is held out that would show overfitting." if unseen else "."),
        severity=Severity.WARNING if unseen else Severity.INFO,
        help="Hold out a part and stop when its loss rises.",
        also=("train_rows",),
    )


def _reasons(recipe: Recipe) -> bool:
    names = (recipe.known("train_dataset"), recipe.known("model_name_or_path"))
    return any(REASONING.search(str(name)) for name in names if name is not None)


@rule("LL811", Severity.INFO, evidence=[TRL_SOURCE])
def epochs_by_default(
    recipe: Recipe,
    num_train_epochs: float,
    max_steps: int | None = None,
    training_kind: str = "",
) -> Iterator[Problem]:
    """The number of epochs is the framework's, and it is more than one.

    ## What it checks
    A run whose epochs and `max_steps` nobody wrote, where the framework fills in more than one
    epoch: 3 in transformers and TRL. Reward methods, which play each prompt many times, are left
    alone.

    ## Why it matters
    The run takes three times as long as one pass over the data, and the learning rate is
    scheduled over all of it. Three epochs may be right; that somebody chose them is not visible.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, max_length=2048)  # LL811
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When the default is what you want.

    ## Options
    None.
    """
    if not is_silent(recipe, "num_train_epochs") or (max_steps or 0) > 0 or num_train_epochs <= 1:
        return
    if training_kind == "reinforcement" or not _is_called(recipe):
        return
    if recipe.trains and holds_when_pinned(recipe, "num_train_epochs"):
        yield Problem(
            place_of(recipe, "num_train_epochs"),
            f"the run has {num_train_epochs:g} epochs because nothing else is written.",
            help="Write num_train_epochs, also where the default is meant.",
            also=("num_train_epochs",),
        )


def _is_called(recipe: Recipe) -> bool:
    """Whether transformers or TRL fills it in; others' defaults are made for LoRA."""
    return recipe.kind in ("python", "notebook") or recipe.dialect in ("trl", "lora-launch")
