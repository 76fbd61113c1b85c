"""Rule LL206, oversized-rl-rank."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.adapter.rank import REINFORCEMENT
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    SCHULMAN_2025,
)


@rule(
    "LL206",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
    ],
)
def oversized_rl_rank(r: int, trainer_method: str, *, max_rank: int = 64) -> Iterator[Problem]:
    """A high rank for reinforcement learning.

    ## What it checks
    `r` is above `max_rank` with GRPO, PPO, RLOO or another such method.

    ## Why it matters
    An episode teaches about one bit. LoRA Without Regret finds that r=1 learns as well as full
    fine-tuning there, and TRL's table has 1 to 32. A higher rank costs memory for nothing measured.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(r=128, lora_alpha=128, target_modules="all-linear")  # LL206: 128
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## When to ignore it
    When your own comparison prefers it.

    ## Options
    - `max_rank` (64): the highest rank that passes.
    """
    if trainer_method in REINFORCEMENT and r > max_rank:
        yield Problem(
            "r",
            f"r = {r} with {trainer_method.upper()}: reinforcement learning was measured to need "
            "very little rank (1 to 32).",
            help="Try r = 32.",
        )
