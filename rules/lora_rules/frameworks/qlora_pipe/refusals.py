"""What qlora-pipe refuses (``train.py``)."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, State, Written, off, present, where

NEEDED = ("lora_rank", "lora_alpha")
"""Keys that are read without a default."""
OPTIMIZERS = ("adamw", "adamw8bit", "adamw_kahan")


def _needs(name: str) -> Refusal:
    beside = "lora_alpha" if name == "lora_rank" else "lora_rank"
    return Refusal(
        f"lora-needs-{name.replace('_', '-')}",
        beside,
        (present(beside), where(lambda keys: keys.is_missing(name), name), off("full_fine_tune")),
        f"{beside} without {name}, which has no default",
        f"Write {name}.",
        raises="KeyError",
    )


def _is_none_of(name: str, known: tuple[str, ...]) -> State:
    def holds(keys: Written) -> bool:
        value = keys.value(name)
        return isinstance(value, str) and value.lower() not in known

    return where(holds, name)


REFUSALS = (
    Refusals(
        "qlora-pipe",
        "qlora-pipe",
        (
            *map(_needs, NEEDED),
            Refusal(
                "optimizer-type-unknown",
                "optimizer.type",
                (_is_none_of("optimizer.type", OPTIMIZERS),),
                f"an optimizer.type other than {', '.join(OPTIMIZERS)}",
                "Take one of these.",
                raises="NotImplementedError",
            ),
        ),
        "https://github.com/tdrussell/qlora-pipe, train.py at 90b8e7d",
        "qlora-pipe raises it when it loads the model or makes the optimizer.",
    ),
)
