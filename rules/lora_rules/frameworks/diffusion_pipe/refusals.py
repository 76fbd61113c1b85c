"""What diffusion-pipe refuses (``train.py``)."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    State,
    Written,
    above,
    given,
    present,
    where,
)

SAVES = ("save_every_n_epochs", "save_every_n_steps", "save_every_n_examples")
SCHEDULERS = ("constant", "linear", "cosine")


def _is_none_of(name: str, *known: str) -> State:
    def holds(keys: Written) -> bool:
        value = keys.value(name)
        return isinstance(value, str) and value not in known

    return where(holds, name)


def _never_saves(keys: Written) -> bool:
    return all(map(keys.is_missing, SAVES))


REFUSALS = (
    Refusals(
        "diffusion-pipe",
        "diffusion-pipe",
        (
            Refusal(
                "adapter-alpha",
                "adapter.alpha",
                (present("adapter.alpha"),),
                "adapter.alpha: it is always the rank",
                "Remove it.",
                raises="NotImplementedError",
            ),
            Refusal(
                "lr-scheduler-unknown",
                "lr_scheduler",
                (_is_none_of("lr_scheduler", *SCHEDULERS),),
                f"an lr_scheduler other than {', '.join(SCHEDULERS)}",
                "Take one of these.",
                raises="NotImplementedError",
            ),
            Refusal(
                "needs-save-every",
                "output_dir",
                (present("output_dir"), where(_never_saves, *SAVES)),
                f"a file without any of {', '.join(SAVES)}",
                "Write save_every_n_epochs.",
                raises="AssertionError",
            ),
            Refusal(
                "blocks-to-swap-with-pipeline-stages",
                "blocks_to_swap",
                (given("blocks_to_swap"), above("pipeline_stages", 1)),
                "blocks_to_swap with pipeline_stages above 1",
                "Set pipeline_stages to 1, or remove blocks_to_swap.",
                raises="AssertionError",
            ),
        ),
        "https://github.com/tdrussell/diffusion-pipe, train.py at 8f83dbf",
        "diffusion-pipe raises it before it trains.",
    ),
)
