"""Rule LL904, heavy-truncation."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import FRAMEWORK_SOURCES, TRL_SOURCE
from lora_rules.facts.run.framework_defaults import place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.facts.data.local_rows import LongRows


@rule(
    "LL904",
    Severity.WARNING,
    evidence=[
        TRL_SOURCE.says("A row longer than max_length keeps its start, and its end is cut off."),
        FRAMEWORK_SOURCES.says("axolotl drops such rows (excess_length_strategy: drop)."),
    ],
)
def heavy_truncation(
    blocks: Blocks,
    max_length: Setting,
    long_rows: LongRows,
    packing: bool | None = None,
    *,
    share: float = 0.05,
) -> Iterator[Problem]:
    """More than a twentieth of the rows are far longer than what is trained on.

    ## What it checks
    More than a `share` of the rows of local data have over eight characters for each token of
    `max_length`.

    - Looked at are JSON and JSON lines files of up to 8 MiB in a usual shape (`messages`, `prompt`
      and `completion`, `text`, …). Spaces in a row count once.
    - A `max_length` that nobody wrote counts: TRL's is 1,024.
    - Packed data are not checked.

    ## Why it matters
    TRL cuts off the end of such a row: the end of the answer, and the token that says that it
    ends. The model then learns answers that do not stop. axolotl drops the row instead.

    ## Bad
    The tests run this rule on a file of long rows.

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=4096)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When only the beginnings matter.

    ## Options
    - `share` (0.05): the share of the rows that may be too long.
    """
    tokens = number_of(max_length)
    if packing or long_rows.too_long <= share * long_rows.rows:
        return
    yield Problem(
        place_of(max_length, blocks),
        f"{long_rows.too_long:,} of {long_rows.rows:,} rows have more than 8 characters for each "
        f"of {tokens:,} tokens: their ends are cut off, or the rows are dropped.",
        help="Raise max_length, or split the long rows.",
        also=("max_length", "train_dataset"),
    )
