"""What prime-rl refuses beside LoRA (``configs/rl.py``, ``configs/trainer.py``)."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, State, Written, differs, given, where

LORA, OWN = "trainer.model.lora", "orchestrator.model.lora"


def _differ(what: str) -> State:
    """Whether the trainer and the orchestrator are given different values."""
    mine, its = f"{LORA}.{what}", f"{OWN}.{what}"

    def holds(keys: Written) -> bool:
        first, second = keys.number(mine), keys.number(its)
        return first is not None and second is not None and first != second

    return where(holds, its)


def _conflict(what: str) -> Refusal:
    return Refusal(
        f"{what}-of-orchestrator-differs",
        f"{OWN}.{what}",
        (_differ(what),),
        f"another {OWN}.{what} than {LORA}.{what}",
        f"Remove {OWN}.{what}: it is taken over from the trainer.",
    )


def _is_uneven(keys: Written) -> bool:
    batch, micro = keys.number("data.batch_size"), keys.number("data.micro_batch_size")
    return batch is not None and micro is not None and micro >= 1 and batch % micro != 0


REFUSALS = (
    Refusals(
        "prime-rl",
        "prime-rl",
        (
            _conflict("rank"),
            _conflict("alpha"),
            Refusal(
                "lora-needs-filesystem-broadcast",
                "weight_broadcast.type",
                (given(LORA), differs("weight_broadcast.type", "filesystem")),
                f"{LORA} with another weight_broadcast.type than filesystem",
                "Set weight_broadcast.type to filesystem, or leave it out.",
            ),
            Refusal(
                "batch-size-not-divisible",
                "data.batch_size",
                (where(_is_uneven, "data.batch_size"),),
                "a data.batch_size that data.micro_batch_size does not divide",
                "Take a multiple of data.micro_batch_size.",
            ),
        ),
        "https://github.com/PrimeIntellect-ai/prime-rl, configs/{rl,sft}.py at 559b447",
        "prime-rl raises it when it validates the configuration.",
    ),
)
