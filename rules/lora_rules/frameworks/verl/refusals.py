"""What verl refuses, and vLLM that it rolls out with."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, Written, above, equals, where

RANK = "actor_rollout_ref.model.lora_rank"
ROLLOUT = "actor_rollout_ref.rollout.name"
SERVED = (8, 16, 32, 64, 128, 256, 320, 512)
"""The values of vLLM's ``max_lora_rank`` up to 0.11, which verl before 0.6 gave the rank itself."""


def _is_not_served(keys: Written) -> bool:
    rank = keys.number(RANK)
    return rank is not None and 1 <= rank <= SERVED[-1] and rank not in SERVED


ROWS = (
    Refusal(
        "lora-rank-not-served",
        RANK,
        (equals(ROLLOUT, "vllm"), where(_is_not_served, RANK)),
        f"a lora_rank that vLLM does not take as max_lora_rank ({', '.join(map(str, SERVED))})",
        "Take one of these, or verl 0.6, which rounds up.",
        until="0.6",
    ),
    Refusal(
        "lora-rank-above-served",
        RANK,
        (equals(ROLLOUT, "vllm"), above(RANK, SERVED[-1])),
        f"a lora_rank above {SERVED[-1]}, the most that vLLM serves",
        f"Set it to {SERVED[-1]} or less.",
    ),
)

REFUSALS = (
    Refusals(
        "verl",
        "verl",
        ROWS,
        "https://github.com/verl-project/verl, workers/fsdp_workers.py at 0.5.0, "
        "workers/rollout/vllm_rollout/utils.py since 0.6",
        "vLLM raises it when the rollout workers start.",
    ),
)
