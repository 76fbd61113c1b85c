"""Rule LL102, alpha-rank-ratio-out-of-range."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import (
    Repair,
    is_made_up_for,
    loraplus_ratio,
    rescaled,
    run_of,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly, number_of
from lora_rules.engine.views import Outline
from lora_rules.evidence import (
    DETTMERS_2023,
    HU_2021,
    OFFICIAL_RECIPES,
    SCHULMAN_2025,
    TINKER_SWEEP,
    ZHANG_2026,
)
from lora_rules.facts.adapter.good_step import (
    HIGHEST,
    LOWEST,
    RATES,
    RATIOS,
    plain_alphas,
)
from lora_rules.facts.run.framework_defaults import is_silent
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

FIXED_ALPHAS = (16, 32, 64)
"""QLoRA (16 at r=64), Hu's GPT-2 (32 at r=4) and LoRA Without Regret (32 at any r) keep alpha."""
EXTREME = (0.01, 64)


@rule(
    "LL102",
    Severity.WARNING,
    evidence=[
        OFFICIAL_RECIPES.says(
            "lora_alpha / r lies within 0.25 and 4 in all 309; it is 2 in 193 of them and 0.5 in "
            "105."
        ),
        SCHULMAN_2025.says(
            "alpha x init_A x LR_B, the rate of B, sets the initial slope of the learning curve; "
            "all runs had lora_alpha=32, at every rank."
        ),
        TINKER_SWEEP.says(
            "The best learning rate of 34 of the 35 models lies within 3e-4 and 1e-3; with the "
            "lab's lora_alpha of 32 that is a product of 0.0096 to 0.032."
        ),
        HU_2021.says(
            "With Adam, tuning alpha is roughly the same as tuning the learning rate; the recipe "
            "for GPT-2 has r=4 with lora_alpha=32, a ratio of 8."
        ),
        DETTMERS_2023.says(
            "Keeps alpha fixed and searches the learning rate, since alpha is always "
            "proportional to it: lora_alpha=16 with r=64."
        ),
        ZHANG_2026.disagrees(
            "Alpha gains what the learning rate alone cannot; the best alpha grows with the root "
            "of the rank, with a larger coefficient than the usual rules."
        ),
    ],
)
def alpha_rank_ratio_out_of_range(
    outline: Outline,
    framework: Behaviour,
    r: Setting,
    lora_alpha: Setting,
    init_lora_weights: Value,
    learning_rate: Value,
    loraplus_lr_ratio: Value,
    training_kind: Lazy,
    optimizer_family: Lazy,
    use_rslora: bool = False,
    *,
    min: float = 0.25,  # noqa: A002 - the option's name, as users write it
    max: float = 4.0,  # noqa: A002
) -> Iterator[Problem]:
    """The adapter's scale is outside what official recipes use.

    ## What it checks
    `lora_alpha / r` lies outside `min` to `max`.

    - An error at 64 and above or 0.01 and below, if `learning_rate x lora_alpha` is outside 0.0003
      to 0.1 (LL103), where the rate is unknown at all rates from 1e-4 to 1e-3.
    - Info, and no fix: in supervised fine-tuning with Adam, where that product is within 0.0096 and
      0.032 and the ratio within 1/16 and 16.
    - Info, and no fix: a `lora_alpha` of 16, 32 or 64 with `r` up to 4 or from 64 on: one alpha at
      all ranks.
    - Not checked: rsLoRA (LL105), EVA, image adapters, a framework's own ratio.

    ## Why it matters
    PEFT multiplies the adapter's output by `lora_alpha / r`. Under Adam `learning_rate x
    lora_alpha` sets the initial slope of training; a learning rate from a recipe with another
    alpha is then too high or too low. All 309 official recipes of axolotl, torchtune and
    LLaMA-Factory lie within 0.25 and 4: 193 at 2, 105 at 0.5.

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
    rank, alpha = number_of(r), number_of(lora_alpha)
    if use_rslora or rank <= 0 or alpha <= 0:
        return
    if outline.domain == "image" or framework.fixes_scale:
        return
    if certainly(init_lora_weights, "eva"):
        return  # EVA's own recipe has lora_alpha = 1
    scale = alpha / rank
    if min <= scale <= max:
        return
    run = run_of(learning_rate, training_kind, optimizer_family, loraplus_ratio(loraplus_lr_ratio))
    step_size = run.step_size(alpha)
    if is_silent(r) and is_silent(lora_alpha) and not _is_hopeless(alpha, step_size):
        return  # mlx-lm's factor is 20, at a rate of 1e-5: both are its choice
    severity = Severity.WARNING
    makes_up = ""
    repair = rescaled(run, alpha, plain_alphas(int(rank), min, max))
    if is_made_up_for(step_size, scale) and run.boost == 1:
        severity = Severity.INFO
        makes_up = (
            f"; the learning rate makes up for it: x lora_alpha it is {step_size:.3g}, and the "
            "best of a large sweep lie at 0.0096 to 0.032"
        )
        repair = Repair("Nothing has to change while the two stay together.", ())
    elif _is_hopeless(alpha, step_size) and not EXTREME[0] < scale < EXTREME[1]:
        severity = Severity.ERROR
    elif alpha in FIXED_ALPHAS and (rank >= 64 or rank <= 4):
        severity = Severity.INFO
        repair = Repair("Nothing has to change if lora_alpha is the same at all ranks.", ())
    where = "all 309 official recipes lie" if (min, max) == RATIOS else "your settings put it"
    yield Problem(
        "lora_alpha",
        f"lora_alpha / r = {alpha:g} / {rank:g} = {scale:.4g}: outside {min:g} to {max:g}, where "
        f"{where}{makes_up}.",
        severity=severity,
        help=repair.help,
        also=("r",),
        edits=repair.edits,
    )


def _is_hopeless(lora_alpha: float, step_size: float | None) -> bool:
    """Whether the step is one of those that diverge or hardly move, or would be at any rate."""
    if step_size is not None:
        return not LOWEST <= step_size <= HIGHEST
    return lora_alpha * RATES[0] > HIGHEST or lora_alpha * RATES[1] < LOWEST
