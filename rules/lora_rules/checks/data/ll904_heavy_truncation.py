"""Rule LL904, heavy-truncation."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import ARITHMETIC, TRL_SOURCE
from lora_rules.facts.run.framework_defaults import place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.facts.data.local_rows import LongRows


@rule(
    "LL904",
    Severity.WARNING,
    evidence=[
        ARITHMETIC.says(
            "A warm-up that is longer than the run never reaches the learning rate that was set."
        ),
        TRL_SOURCE.says(
            "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a "
            "max_length of 1024 (from 0.16 on); packing without a flash attention lets "
            "examples see each other."
        ),
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
    Local JSON and JSON lines data of up to 8 MiB in a usual shape (`messages`, `prompt` and
    `completion`, `text`, …) against `max_length`: rows with more than eight characters for each
    token, which no tokenizer can fit, above a `share` of all. English text has about four, so the
    true share is higher. A `max_length` that nobody wrote counts: TRL's is 1,024.

    ## Why it matters
    What is cut off is the end: the end of the answer, and the token that says that it ends. The
    model then learns answers that do not stop. Some frameworks drop such rows instead, in
    silence.

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
        f"{long_rows.too_long:,} of {long_rows.rows:,} rows have more text than {tokens:,} "
        "tokens can hold: their ends are cut off, the end-of-text token among them.",
        help="Raise max_length, or split the long rows.",
        also=("max_length", "train_dataset"),
    )
