"""Rule LL104, pattern-scale-mismatch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.types import LARGEST
from lora_rules.engine.value import Value, certainly
from lora_rules.evidence import PEFT_SOURCE, SCHULMAN_2025


@rule(
    "LL104",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "Each module's scale is its own alpha by its own rank: an entry of rank_pattern alone "
            "leaves lora_alpha as it is, and the other way round."
        ),
        SCHULMAN_2025.disagrees(
            "With the same lora_alpha at every rank the best learning rate changes by a factor of "
            "less than 2 from r=4 to r=512."
        ),
    ],
)
def pattern_scale_mismatch(
    framework: Behaviour,
    r: int,
    lora_alpha: float,
    use_rslora: Value,
    rank_pattern: dict[str, object] | None = None,
    alpha_pattern: dict[str, object] | None = None,
    target_modules: list[str] | str | None = None,
    *,
    ratio: float = 2.0,
) -> Iterator[Problem]:
    """A rank of their own for some modules, and the alpha of all the others.

    ## What it checks
    `rank_pattern` gives some modules another rank while `alpha_pattern` says nothing of them (or
    the other way round), so that their scale differs from that of the rest by `ratio` or more.

    - The scale is `lora_alpha / r`, with rsLoRA `lora_alpha / sqrt(r)`.
    - Not checked: a pattern that fits none of the `target_modules`, which changes nothing.

    ## Why it matters
    PEFT divides the one `lora_alpha` by each module's own rank. With `r=16, lora_alpha=32` and a
    `rank_pattern` of 64 for the MLP, attention is applied at 2.0 and the MLP at 0.5. That is right
    for who keeps one alpha at all ranks, and not what `lora_alpha = 2 x r` means: the file does not
    say which.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "v_proj", "up_proj"],
        rank_pattern={"up_proj": 64},  # LL104: {"up_proj": 64}
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["q_proj", "v_proj", "up_proj"],
        rank_pattern={"up_proj": 64},
        alpha_pattern={"up_proj": 128},
    )
    ```

    ## When to ignore it
    When one alpha for all ranks is meant: the best learning rate then changes less than twofold
    from r=4 to r=512.

    ## Options
    - `ratio` (2.0): reported from this difference of scales on.
    """
    ranks, alphas = rank_pattern or {}, alpha_pattern or {}
    if r < 1 or lora_alpha <= 0 or not framework.adapter_as_written:
        return
    named = "rank_pattern" if ranks else "alpha_pattern"
    scales = {
        key: _number(alphas.get(key), lora_alpha) / _number(ranks.get(key), r)
        for key in {**ranks, **alphas}
        if not (key in ranks and key in alphas)
        and not _overlaps(key, ranks, alphas)
        and _is_valid(key)
        and _fits(key, target_modules)
    }
    power = 0.5 if certainly(use_rslora, True) else 1.0
    scales = {
        key: scale
        for key, scale in scales.items()
        if max(scale * r / lora_alpha, lora_alpha / r / scale) ** power >= ratio
    }
    if scales:
        key, scale = next(iter(scales.items()))
        other = "alpha_pattern" if named == "rank_pattern" else "rank_pattern"
        yield Problem(
            named,
            f"{key!r} is applied with lora_alpha / r = {scale:.3g}, the other modules with "
            f"{lora_alpha / r:.3g}: {other} says nothing of it.",
            help=f"Give {key!r} an entry in {other} too, unless one lora_alpha is meant for all.",
            also=("r", "lora_alpha"),
        )


def _number(value: object, otherwise: float) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    number = number and 0 < float(str(value)) < LARGEST
    return float(str(value)) if number else otherwise


def _overlaps(key: str, ranks: dict[str, object], alphas: dict[str, object]) -> bool:
    """Whether the other pattern may mean the same modules in other words."""
    others = alphas if key in ranks else ranks
    return any(key in other or other in key or "*" in other + key for other in others)


def _is_valid(key: str) -> bool:
    """Whether PEFT can read a pattern at all."""
    try:
        re.compile(key)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _fits(key: str, targets: list[str] | str | None) -> bool:
    """Whether a pattern may mean one of the targets; its last name has to be theirs."""
    if not isinstance(targets, list | tuple):
        return True
    names = re.findall(r"\w+", key)
    return any(target.rpartition(".")[2] in names for target in targets)
