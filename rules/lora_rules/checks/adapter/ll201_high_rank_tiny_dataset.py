"""Rule LL201, high-rank-tiny-dataset."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import (
    AI_TRAINER_ACADEMY,
    BREWSLM,
    CLOUDCODETREE,
    DETTMERS_2023,
    RASCHKA_2023,
    RATHORE_2025,
)

if TYPE_CHECKING:
    from lora_rules.facts.data.dataset import Rows
from lora_rules.checks.adapter.rank import REINFORCEMENT


@rule(
    "LL201",
    Severity.WARNING,
    evidence=[
        CLOUDCODETREE.says(
            "Gives r = 4 to 8 below 5,000 examples and 64 to 128 above 50,000, and warns of more "
            "overfitting on small datasets; it cites no measurement of that."
        ),
        BREWSLM.says("Too much rank on a small dataset gives more room to overfit."),
        AI_TRAINER_ACADEMY.says("Higher ranks increase the risk of overfitting."),
        RASCHKA_2023.disagrees(
            "r=256 on the 1,000 examples of LIMA did as well as on 50,000 of Alpaca."
        ),
        RATHORE_2025.disagrees(
            "In a sweep of ranks all were almost the same on recall (MMLU, MedMCQA); for "
            "reasoning it recommends 32 to 64."
        ),
        DETTMERS_2023.disagrees(
            "The rank is unrelated to final performance if all layers are adapted."
        ),
    ],
)
def high_rank_tiny_dataset(
    r: int,
    dataset_rows: Rows,
    trainer_method: Value,
    lora_alpha: Value,
    *,
    tiny: int = 1000,
    small: int = 5000,
    tiny_rank: int = 64,
    small_rank: int = 128,
) -> Iterator[Problem]:
    """A high rank on a dataset of a few hundred or thousand examples.

    ## What it checks
    `r` is at least `tiny_rank` with fewer than `tiny` training examples, or at least `small_rank`
    with fewer than `small`.

    - From half of that rank on: info.
    - Examples are counted in local JSONL, JSON, CSV and Parquet files, or taken from
      `max_samples`, a split such as `train[:500]`, or `# lora-lint: train-rows=800`.
    - Not checked: data that cannot be counted, and reinforcement learning.

    ## Why it matters
    That a high rank overfits a small dataset is a convention of guides (CloudCodeTree, BrewSLM,
    Osei). No controlled measurement of that harm was found: r=256 on the 1,000 examples of LIMA did
    as well as on 50,000 of Alpaca, and a sweep of ranks found all of them almost the same on
    recall. What is certain is the cost: adapter, gradients and optimizer states grow in proportion
    to `r`.

    ## Bad
    ```python
    # lora-lint: train-rows=600
    from peft import LoraConfig

    config = LoraConfig(r=128, lora_alpha=256, target_modules="all-linear")  # LL201: 128
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    dataset: my_notes
    max_samples: 500
    val_size: 0.1
    lora_rank: 64  # LL201: 64
    learning_rate: 2.0e-4
    ```

    ## Good
    ```python
    # lora-lint: train-rows=600
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When the examples are long (thousands of trained tokens each), or a comparison on your own
    evaluation set shows that the rank pays.

    ## Options
    - `tiny` (1000) and `tiny_rank` (64): warn from this rank below that many examples.
    - `small` (5000) and `small_rank` (128): the same for a small dataset.
    """
    if isinstance(trainer_method, Known) and trainer_method.value in REINFORCEMENT:
        return
    rows = dataset_rows.number
    limit = tiny_rank if rows < tiny else small_rank if rows < small else None
    if limit is None or 2 * r < limit:
        return
    counted = f"{rows:,}" if dataset_rows.exact else f"at most {rows:,}"
    edits: tuple[Edit, ...] = (Set("r", 16),)
    if isinstance(lora_alpha, Known):
        alpha = lora_alpha.value
        if isinstance(alpha, int | float) and not isinstance(alpha, bool):
            edits += (Set("lora_alpha", float(f"{alpha * 16 / r:g}")),)
    yield Problem(
        "r",
        f"r = {r} for {counted} training examples: by convention too much (no controlled evidence "
        "of harm; the memory is spent for certain).",
        severity=Severity.WARNING if r >= limit else Severity.INFO,
        help="Try r = 16 with the same lora_alpha / r, and compare on held-out examples.",
        edits=edits,
    )
