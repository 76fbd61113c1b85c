"""Rule LL203, rank-exceeds-layer."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


@rule(
    "LL203",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "Takes a rank above the smaller side of a layer without a warning (run: r=100 on a "
            "layer of 64 x 64)."
        ),
    ],
)
def rank_exceeds_layer(
    r: int, targeted: Targeted, rank_pattern: dict[str, object] | None = None
) -> Iterator[Problem]:
    """A rank beyond what the adapted layers can hold.

    ## What it checks
    With a known base model, the rank of each adapted layer against its sizes: above the smaller of
    its two sides, or so high that the two matrices have as many parameters as the layer itself.

    - A warning where that holds for most of the adapted layers, else info.
    - Not checked: routers that "all-linear" takes along; LL404 reports them.

    ## Why it matters
    The product of the two matrices cannot have a higher rank than the layer: what is above costs
    memory and time for nothing. PEFT accepts it without a warning.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("gpt2")
    config = LoraConfig(r=640, lora_alpha=640, target_modules="all-linear")  # LL203: 640
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("gpt2")
    config = LoraConfig(r=64, lora_alpha=64, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    from lora_rules.facts.adapter.targeting import Ranks

    if r < 1 or targeted.inventory.modules is None:
        return
    ranks = Ranks(r, rank_pattern)
    everything = isinstance(targeted.written, str)
    sizes = {
        path: size
        for path, size in targeted.sizes().items()
        if not (everything and targeted.inventory.is_router(path))
    }
    above = [path for path, (rows, columns) in sizes.items() if ranks.of(path) > min(rows, columns)]
    dense = [
        path
        for path, (rows, columns) in sizes.items()
        if ranks.of(path) * (rows + columns) >= rows * columns
    ]
    if not dense:
        return
    worst = above[0] if above else dense[0]
    most = 2 * len(dense) >= len(sizes)
    rank, (rows, columns) = ranks.of(worst), sizes[worst]
    text = "more than its smaller side" if above else "as many parameters as the layer itself"
    yield Problem(
        "r" if rank == r else "rank_pattern",
        f"rank {rank} on {worst} ({rows} x {columns}): {text}; it is too high for {len(dense)} of "
        f"{len(sizes)} adapted layers.",
        severity=Severity.WARNING if most else Severity.INFO,
        help="Lower r, or give these layers a rank of their own in rank_pattern.",
    )
