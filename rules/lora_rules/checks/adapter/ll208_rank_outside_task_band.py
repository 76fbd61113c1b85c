"""Rule LL208, rank-outside-task-band."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import (
    AI_TRAINER_ACADEMY,
    BIDERMAN_2024,
    BRENNDOERFER_2025,
    BREWSLM,
    CLOUDCODETREE,
    DETTMERS_2023,
    HU_2021,
    RATHORE_2025,
)
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
    "style": (Band("Osei", 8, 8), Band("CloudCodeTree", 4, 8)),
    "classification": (Band("Osei", 8, 8), Band("Brenndoerfer", 4, 8)),
    "instruction": (Band("Brenndoerfer", 16, 32), Band("CloudCodeTree", 16, 32)),
    "domain": (Band("Osei", 16, 16), Band("Brenndoerfer", 16, 32)),
    "code": (Band("CloudCodeTree", 64, 128),),
}
"""A declared task to the bands of the guides that name it."""

FEW, MANY = 5_000, 50_000
"""CloudCodeTree's cuts: 4 to 8 below the one, 64 to 128 above the other."""


@rule(
    "LL208",
    Severity.INFO,
    evidence=[
        CLOUDCODETREE.says(
            "r = 4 to 8 for style and below 5,000 examples, 16 to 32 for instruction following, "
            "64 to 128 for code and above 50,000 examples."
        ),
        AI_TRAINER_ACADEMY.says("r = 16 for a domain, 8 for style and simple classification."),
        BRENNDOERFER_2025.says(
            "r = 4 to 8 for simple classification, 16 to 32 for instruction tuning and domains."
        ),
        BREWSLM.says("A small r such as 8 is often plenty for a narrow task."),
        BIDERMAN_2024.says("r = 16 to 64 tends not to suffice for code."),
        HU_2021.disagrees("On WikiSQL r=1 reached 73.4 and r=64 73.5, within the noise of 0.5."),
        DETTMERS_2023.disagrees(
            "The rank is unrelated to final performance if all layers are adapted."
        ),
        RATHORE_2025.disagrees(
            "In a sweep of ranks all were almost the same on recall; for reasoning it recommends "
            "32 to 64."
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
    """A rank far from what guides give for the declared task.

    ## What it checks
    With a declared task (`# lora-lint: task=style`, or `task = "style"` in the settings), `r` is
    more than `factor` times outside the bands that guides give for it.

    - style 4 to 8, classification 4 to 8, instruction 16 to 32, domain 16 to 32, code 64 to 128
    - fewer than 5,000 training examples add 4 to 8, more than 50,000 add 64 to 128

    ## Why it matters
    The bands are a convention of four guides: CloudCodeTree, Osei, Brenndoerfer and BrewSLM. None
    of them measured it. What was measured says that the rank matters little: r=1 did as well as
    r=64 on WikiSQL; with all layers adapted QLoRA found it "unrelated to final performance"; a
    sweep found all almost the same on recall. For code Biderman et al. found 16 to 64 too low. Use
    the bands as a starting point when there is no other.

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
    given = ", ".join(f"{band.guide} {_span(band)}" for band in bands)
    yield Problem(
        place_of(r, blocks),
        f"r = {rank} for the task {task!r} is outside what guides give: {given} (a convention that "
        "nobody measured).",
        help="Compare it with a rank of the bands on held-out examples.",
    )


def _span(band: Band) -> str:
    if band.lowest == band.highest:
        return str(band.lowest)
    return f"{band.lowest} to {band.highest}"
