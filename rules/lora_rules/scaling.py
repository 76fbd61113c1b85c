"""The adapter's scale: lora_alpha over r."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.evidence import (
    DETTMERS_2023,
    HU_2021,
    OFFICIAL_RECIPES,
    PEFT_SOURCE,
    SCHULMAN_2025,
)
from lora_rules.needs import LARGEST
from lora_rules.recipe import HANDED_ON, Recipe
from lora_rules.rule import Edit, Problem, Set, Severity, rule

FIXED_ALPHAS = (16, 32, 64)
"""QLoRA (16 at r=64), Hu's GPT-2 (32 at r=4) and LoRA Without Regret (32 at any r) keep alpha."""


@rule("LL101", Severity.ERROR, evidence=[PEFT_SOURCE])
def zero_or_negative_alpha(recipe: Recipe, lora_alpha: float) -> Iterator[Problem]:
    """The adapter is multiplied by zero or by a negative number.

    ## What it checks
    `lora_alpha` is zero or below.

    ## Why it matters
    PEFT multiplies the adapter's output by `lora_alpha / r`. At zero the output is zero whatever
    the matrices hold, so their gradient is zero for ever: the run ends without an error and
    without having trained anything. A negative value flips the sign, which training then has to
    undo. PEFT accepts both in silence.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=0, target_modules="all-linear")  # LL101: 0
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: -16  # LL101: -16
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    Never in training.

    ## Options
    None.
    """
    if lora_alpha == 0 and not _alpha_zero_is_default(recipe):
        yield Problem(
            "lora_alpha",
            "lora_alpha is 0: the adapter's output and its gradient are zero, nothing trains.",
            help="Set lora_alpha to 2 x r, the value of most official recipes.",
        )
    elif lora_alpha < 0:
        yield Problem(
            "lora_alpha",
            f"lora_alpha is {lora_alpha:g}: the adapter is applied with its sign flipped.",
            help="Set lora_alpha to 2 x r, the value of most official recipes.",
        )


def _alpha_zero_is_default(recipe: Recipe) -> bool:
    """A zero that nobody wrote is somebody's way to say "off"."""
    setting = recipe.settings.get("lora_alpha")
    return setting is not None and not setting.written


@rule("LL102", Severity.WARNING, evidence=[OFFICIAL_RECIPES, HU_2021, DETTMERS_2023, SCHULMAN_2025])
def alpha_rank_ratio_out_of_range(
    recipe: Recipe,
    r: int,
    lora_alpha: float,
    use_rslora: bool = False,
    *,
    min: float = 0.25,  # noqa: A002 - the option's name, as users write it
    max: float = 4.0,  # noqa: A002
) -> Iterator[Problem]:
    """The adapter's scale is far outside what any recipe that works uses.

    ## What it checks
    `lora_alpha / r` lies outside `min` to `max`. At 64 and above, or 0.01 and below, it is an
    error. Where alpha is one of 16, 32 and 64 at a very high or very low rank, which is the
    convention of keeping alpha fixed, it is only mentioned. rsLoRA scales by another law and is
    left alone, and so are EVA's initialisation and image adapters, whose conventions differ.

    ## Why it matters
    PEFT multiplies the adapter's output by `lora_alpha / r`, which acts like a second learning
    rate. All 309 official recipes of axolotl, torchtune and LLaMA-Factory lie within 0.25 and 4;
    62 % of them at exactly 2. Outside, the usual learning rates are far too high or too low. The
    ratio itself proves nothing: what counts is learning rate times scale, so a run that was tuned
    at an odd ratio may be sound.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=128, target_modules="all-linear")  # LL102: 128
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 32
    lora_alpha: 4  # LL102: 4
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 32
    lora_alpha: 16
    lora_target_linear: true
    ```

    ## When to ignore it
    When the learning rate was tuned together with this ratio.

    ## Options
    - `min` (0.25): the lowest ratio that passes.
    - `max` (4.0): the highest.
    """
    if use_rslora or r <= 0 or lora_alpha <= 0 or recipe.domain == "image":
        return
    if recipe.known("init_lora_weights") == "eva":
        return  # EVA's own recipe has lora_alpha = 1
    scale = lora_alpha / r
    if min <= scale <= max:
        return
    fixed = lora_alpha in FIXED_ALPHAS and (r >= 64 or r <= 4)
    severity = Severity.WARNING
    if scale >= 64 or scale <= 0.01:
        severity = Severity.ERROR
    elif fixed:
        severity = Severity.INFO
    yield Problem(
        "lora_alpha",
        f"lora_alpha / r = {lora_alpha:g} / {r} = {scale:.4g}: outside {min:g} to {max:g}, where "
        + (
            "all 309 official recipes lie."
            if (min, max) == (0.25, 4.0)
            else "your settings put it."
        ),
        severity=severity,
        help=f"Set lora_alpha to {2 * r} (2 x r); the learning rate has to move the other way "
        "if the step size is to stay.",
        also=("r",),
        edits=_same_step(recipe, lora_alpha, 2 * r),
    )


def _same_step(recipe: Recipe, old: float, new: float) -> tuple[Edit, ...]:
    """Edits that move alpha and keep learning rate x scale, where the learning rate is known."""
    rate = recipe.known("learning_rate")
    edits: tuple[Edit, ...] = (Set("lora_alpha", new),)
    if isinstance(rate, float) and rate > 0:
        edits += (Set("learning_rate", float(f"{rate * old / new:.3g}")),)
    return edits


@rule("LL104", Severity.WARNING, evidence=[PEFT_SOURCE, SCHULMAN_2025])
def pattern_scale_mismatch(
    recipe: Recipe,
    r: int,
    lora_alpha: float,
    rank_pattern: dict[str, object] | None = None,
    alpha_pattern: dict[str, object] | None = None,
    target_modules: list[str] | str | None = None,
    *,
    ratio: float = 2.0,
) -> Iterator[Problem]:
    """A rank of their own for some modules, and the alpha of all the others.

    ## What it checks
    `rank_pattern` gives some modules another rank while `alpha_pattern` says nothing of them (or
    the other way round), so that their scale `lora_alpha / r` differs from the rest by `ratio` or
    more. A pattern that fits none of the `target_modules` changes nothing and is not judged.

    ## Why it matters
    PEFT divides the one `lora_alpha` by each module's own rank. With `r=16, lora_alpha=32` and a
    `rank_pattern` of 64 for the MLP, attention is applied at 2.0 and the MLP at 0.5: it learns at
    a quarter of the rate, though it was meant to learn more. With rsLoRA the difference is its
    root.

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
    When one alpha for all ranks is meant: it keeps the best learning rate the same at every rank.

    ## Options
    - `ratio` (2.0): told from this difference of scales on.
    """
    ranks, alphas = rank_pattern or {}, alpha_pattern or {}
    if r < 1 or lora_alpha <= 0 or recipe.dialect not in HANDED_ON:
        return
    named = "rank_pattern" if ranks else "alpha_pattern"
    scales = {
        key: _number(alphas.get(key), lora_alpha) / _number(ranks.get(key), r)
        for key in {**ranks, **alphas}
        if not (key in ranks and key in alphas)
        and not _overlaps(key, ranks, alphas)
        and _fits(key, target_modules)
    }
    power = 0.5 if recipe.known("use_rslora") is True else 1.0
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
            help=f"Give {key!r} an entry in {other} as well.",
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


def _fits(key: str, targets: list[str] | str | None) -> bool:
    """Whether a pattern may mean one of the targets; its last name has to be theirs."""
    if not isinstance(targets, list | tuple):
        return True
    names = re.findall(r"\w+", key)
    return any(target.rpartition(".")[2] in names for target in targets)
