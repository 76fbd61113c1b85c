"""Rule LL102, alpha-rank-ratio-out-of-range."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, certainly
from lora_rules.engine.views import Outline
from lora_rules.evidence import DETTMERS_2023, HU_2021, OFFICIAL_RECIPES, SCHULMAN_2025

FIXED_ALPHAS = (16, 32, 64)
"""QLoRA (16 at r=64), Hu's GPT-2 (32 at r=4) and LoRA Without Regret (32 at any r) keep alpha."""


@rule(
    "LL102",
    Severity.WARNING,
    evidence=[
        OFFICIAL_RECIPES.says(
            "lora_alpha / r lies in [0.25, 4] in all 309, and is 2 in 193; one has a "
            "dropout of 0.2."
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
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
    ],
)
def alpha_rank_ratio_out_of_range(
    outline: Outline,
    r: int,
    lora_alpha: float,
    init_lora_weights: Value,
    learning_rate: Value,
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
    if use_rslora or r <= 0 or lora_alpha <= 0 or outline.domain == "image":
        return
    if certainly(init_lora_weights, "eva"):
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
        edits=_same_step(learning_rate, lora_alpha, 2 * r),
    )


def _same_step(learning_rate: Value, old: float, new: float) -> tuple[Edit, ...]:
    """Edits that move alpha and keep learning rate x scale, where the learning rate is known."""
    edits: tuple[Edit, ...] = (Set("lora_alpha", new),)
    if isinstance(learning_rate, Known):
        rate = learning_rate.value
        if isinstance(rate, float) and rate > 0:
            edits += (Set("learning_rate", float(f"{rate * old / new:.3g}")),)
    return edits
