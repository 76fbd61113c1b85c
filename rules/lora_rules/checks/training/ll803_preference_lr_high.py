"""Rule LL803, preference-lr-high."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import OFFICIAL_RECIPES, PREFERENCE_PRACTICE
from lora_rules.facts.run.written_keys import written
from lora_rules.recipe import Blocks

GUIDES = {"kto": 5e-6, "orpo": 8e-5, "cpo": 8e-5}
"""The highest rate that TRL or Tinker gives for LoRA with a method."""
PREFERENCE = 1e-5
"""That of DPO, for methods that no guide speaks of too."""
REINFORCEMENT = 5e-5
"""That of GRPO, likewise."""


@rule(
    "LL803",
    Severity.INFO,
    evidence=[
        PREFERENCE_PRACTICE.says(
            "TRL gives 5e-6 to 1e-5 for DPO, 5e-7 to 5e-6 for KTO, 8e-5 for ORPO and CPO and 1e-6 "
            "to 5e-5 for GRPO; Tinker gives 1e-5 for DPO and 1e-5 to 4e-5 for GRPO."
        ),
        OFFICIAL_RECIPES.disagrees(
            "12 of the 15 recipes for DPO, KTO, ORPO and reward models use 1e-4 or more."
        ),
    ],
)
def preference_lr_high(
    learning_rate: float,
    training_kind: str,
    optimizer_family: str,
    blocks: Blocks,
    trainer_method: str = "",
    *,
    times: float = 5.0,
) -> Iterator[Problem]:
    """A learning rate far above what guides give for learning from preferences or rewards.

    ## What it checks
    `learning_rate` is more than `times` the highest rate that TRL or Tinker gives for the method
    with LoRA: 1e-5 for DPO, 5e-6 for KTO, 8e-5 for ORPO and CPO, 5e-5 for GRPO.

    - Other preference methods are compared with DPO's rate, other reward methods with GRPO's.
    - Reward models, and optimizers that are not of the Adam family, are not checked.

    ## Why it matters
    TRL gives LoRA ten times the rate of full fine-tuning: 5e-6 instead of 5e-7 for DPO. Both are
    guidance, and practice differs: 12 of the 15 official recipes for DPO, KTO, ORPO and reward
    models use 1e-4 or more. So it is an info.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4  # LL803: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: dpo
    finetuning_type: lora
    lora_rank: 8
    num_train_epochs: 1
    learning_rate: 5.0e-6
    ```

    ## When to ignore it
    When rewards and the distance to the reference model look healthy in your logs.

    ## Options
    - `times` (5.0): how many times the rate of the guides passes.
    """
    if optimizer_family != "adam" or training_kind not in ("preference", "reinforcement"):
        return
    method = _method(trainer_method.lower(), blocks)
    default = PREFERENCE if training_kind == "preference" else REINFORCEMENT
    guide = GUIDES.get(method, default)
    if learning_rate <= times * guide:
        return
    name = method.upper() if method else "preferences"
    ratio = learning_rate / guide
    more = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
    yield Problem(
        "learning_rate",
        f"learning_rate = {learning_rate:g} with {name} is {more} times what "
        f"guides give at most, {guide:g} (guidance; no comparison is published).",
        help=f"Watch the distance to the reference model, or start at {guide:g}.",
    )


def _method(method: str, blocks: Blocks) -> str:
    """LLaMA-Factory writes ORPO as DPO with another loss."""
    loss = written(blocks, "pref_loss") if method == "dpo" else None
    return loss if isinstance(loss, str) and loss in GUIDES else method
