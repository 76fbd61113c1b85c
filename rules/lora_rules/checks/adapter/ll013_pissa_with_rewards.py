"""Rule LL013, pissa-with-rewards."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import GEORA_2026, YIN_2025, ZHANG_2026, ZHU_2025

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy


@rule(
    "LL013",
    Severity.WARNING,
    evidence=[
        YIN_2025.says(
            "Of 12 methods trained on verifiable rewards, those that start from a singular value "
            "decomposition (PiSSA, MiLoRA) fail with a collapse of the spectrum."
        ),
        ZHANG_2026.says(
            "PiSSA and MiLoRA can be worse than plain LoRA on verifiable rewards, and their "
            "training can be unstable."
        ),
        GEORA_2026.says(
            "PiSSA and MiLoRA, made for supervised fine-tuning, lead to spectral collapse and an "
            "unstable optimization on verifiable rewards."
        ),
        ZHU_2025.says(
            "Reinforcement learning with verifiable rewards changes weights off their principal "
            "directions, so that methods made for supervised fine-tuning can be flawed there."
        ),
    ],
)
def pissa_with_rewards(
    framework: Behaviour,
    init_lora_weights: bool | str,
    training_kind: Lazy,
    trainer_method: str = "",
) -> Iterator[Problem]:
    """PiSSA's initialisation in reinforcement learning, where it was measured to fail.

    ## What it checks
    `init_lora_weights` is "pissa" or "pissa_niter_N" with GRPO, PPO, RLOO or another method that
    learns from rewards.

    - Other initialisations (CorDA, MiCA, OLoRA, EVA, LoRA-GA) are not checked.

    ## Why it matters
    PiSSA trains the principal components of the weights. Learning from verifiable rewards changes
    weights in other directions. Three laboratories trained PiSSA on them: it collapsed, was
    unstable, or came out below plain LoRA, although it is better in supervised fine-tuning.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(
        r=16,
        lora_alpha=16,
        target_modules="all-linear",
        init_lora_weights="pissa",  # LL013: "pissa"
    )
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(r=16, lora_alpha=16, target_modules="all-linear")
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## When to ignore it
    When a run on your own rewards is stable.

    ## Options
    None.
    """
    if not str(init_lora_weights).lower().startswith("pissa"):
        return
    if training_kind() == "reinforcement":
        usual = Set("init_lora_weights", True)
        yield Problem(
            "init_lora_weights",
            f'init_lora_weights="{init_lora_weights}" with {trainer_method.upper()}: on verifiable '
            "rewards PiSSA was measured to collapse or to be unstable, where plain LoRA learns.",
            help="Leave it out (True), PEFT's usual initialisation.",
            edits=(usual,) if framework.adapter_as_written else (),
        )
