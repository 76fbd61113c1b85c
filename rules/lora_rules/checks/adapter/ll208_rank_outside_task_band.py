"""Rule LL208, rank-outside-task-band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import DETTMERS_2023, HU_2021, SEED_TASK_BANDS
from lora_rules.facts.run.framework_defaults import place_of

if TYPE_CHECKING:
    from lora_rules.facts.data.dataset import Rows
    from lora_rules.recipe import Blocks, Setting


class Band(NamedTuple):
    """What one guide gives for a task."""

    guide: str
    lowest: int
    highest: int


GUIDES: Mapping[str, tuple[Band, ...]] = {
    "style": (Band("Osei", 8, 8), Band("a lesson on narrow tasks", 8, 8)),
    "classification": (Band("Osei", 8, 8), Band("Brenndoerfer", 8, 8)),
    "instruction": (Band("Brenndoerfer", 16, 16), Band("two others", 16, 16)),
    "domain": (Band("Osei", 16, 16), Band("Brenndoerfer", 32, 32)),
    "code": (Band("Brenndoerfer", 64, 64), Band("CloudCodeTree", 64, 128)),
}
"""A declared task to the bands of the guides that name it."""

FEW, MANY = 5_000, 50_000
"""CloudCodeTree's cuts: 4 to 8 below the one, 64 to 128 above the other."""


@rule(
    "LL208",
    Severity.INFO,
    evidence=[
        SEED_TASK_BANDS.says(
            "They disagree: one has 8 to 16 where another has 64 to 128, and measurements "
            "find the rank to matter little once all linear layers are adapted."
        ),
        HU_2021.says(
            "Tuning lora_alpha is roughly tuning the learning rate; the GPT-2 recipe has "
            "r=4, lora_alpha=32 and a dropout of 0.1; r=1 to 64 differ little on WikiSQL "
            "and MNLI."
        ),
        DETTMERS_2023.says(
            "lora_alpha=16 fixed with r=64; rank does not matter once all linear layers "
            "are adapted; NF4 with double quantization takes 4.127 bits a parameter and "
            "keeps 16-bit quality."
        ),
    ],
)
def rank_outside_task_band(
    blocks: Blocks,
    r: Setting,
    task: str,
    dataset_rows: Rows | None = None,
    *,
    factor: float = 2.0,
) -> Iterator[Problem]:
    """A rank that no guide gives for the task that was declared.

    ## What it checks
    With a declared task (`# lora-lint: task=style`, or `task = "style"` among the settings), `r`
    against what the guides give that name the task: 8 for style and classification, 16 for
    instruction, 16 to 32 for domain, 64 to 128 for code. Fewer than 5,000 training examples bring
    4 to 8 into it, more than 50,000 bring 64 to 128. It speaks only where `r` is more than
    `factor` times off all of them.

    ## Why it matters
    The bands are a convention, and the guides disagree: for a domain one has 16, another 32; for
    4,000 examples of code one and the same guide has 4 to 8 and 64 to 128. None of them measured
    it. What was measured says that the rank matters little: r=1 did as well as r=64 on WikiSQL,
    and with all linear layers adapted QLoRA found no effect from 8 to 256. Use the bands as a
    starting point when there is no other.

    ## Bad
    ```python
    # lora-lint: task=style
    from peft import LoraConfig

    config = LoraConfig(r=128, lora_alpha=256, target_modules="all-linear")  # LL208: 128
    ```

    ## Good
    ```python
    # lora-lint: task=style
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
    ```

    ## When to ignore it
    When a comparison on your own evaluation set chose the rank.

    ## Options
    - `factor` (2.0): how far outside the bands a rank passes.
    """
    bands = list(GUIDES.get(task.lower(), ()))
    if not bands:
        return
    if dataset_rows is not None and dataset_rows.number < FEW:
        bands.append(Band(f"CloudCodeTree for fewer than {FEW:,} examples", 4, 8))
    elif dataset_rows is not None and dataset_rows.exact and dataset_rows.number > MANY:
        bands.append(Band(f"CloudCodeTree for more than {MANY:,} examples", 64, 128))
    rank = number_of(r)
    lowest, highest = min(band.lowest for band in bands), max(band.highest for band in bands)
    if lowest / factor <= rank <= highest * factor:
        return
    told = ", ".join(f"{band.guide} {_span(band)}" for band in bands)
    yield Problem(
        place_of(r, blocks),
        f"r = {rank} for the task {task!r} is outside what guides give: {told} (a convention that "
        "nobody measured).",
        help="Compare it with a rank of the bands on held-out examples.",
    )


def _span(band: Band) -> str:
    if band.lowest == band.highest:
        return str(band.lowest)
    return f"{band.lowest} to {band.highest}"
