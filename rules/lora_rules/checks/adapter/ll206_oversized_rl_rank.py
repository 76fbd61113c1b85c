"""Rule LL206, oversized-rl-rank."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.adapter.rank import REINFORCEMENT
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    MORRIS_2026,
    SCHULMAN_2025,
    STRUCTURE_OVER_SCALE,
    TRL_LORA_GUIDE,
    YIN_2025,
)


@rule(
    "LL206",
    Severity.INFO,
    evidence=[
        SCHULMAN_2025.says(
            "With policy gradients LoRA matches full fine-tuning even at rank 1; such a method "
            "learns roughly one bit an episode."
        ),
        MORRIS_2026.says(
            "13 trained parameters reach 91 % on GSM8K with reinforcement learning; supervised "
            "fine-tuning needs updates that are 100 to 1,000 times larger."
        ),
        STRUCTURE_OVER_SCALE.says(
            "With one epoch of GRPO ranks 128 and 256 stay near the floor at three batch sizes, "
            "while r=8 learns."
        ),
        TRL_LORA_GUIDE.says("Ranks of 1 to 32 for reinforcement learning, on any size of data."),
        YIN_2025.disagrees("Rank 1 and VeRA limit what is learned from verifiable rewards."),
    ],
)
def oversized_rl_rank(r: int, trainer_method: str, *, max_rank: int = 64) -> Iterator[Problem]:
    """A high rank for reinforcement learning.

    ## What it checks
    `r` is above `max_rank` with GRPO, PPO, RLOO or another such method.

    ## Why it matters
    A policy gradient learns about one bit an episode. LoRA Without Regret finds rank 1 as good as
    full fine-tuning there, and TRL's guide gives 1 to 32. A higher rank costs memory, and in one
    study of GRPO ranks 128 and 256 learned almost nothing. Another study finds rank 1 too small.

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
            f"r = {r} with {trainer_method.upper()}: rank 1 was measured to be enough for policy "
            "gradients, and guides give 1 to 32.",
            help="Try r = 32.",
        )
