"""What LLaMA-Factory refuses of PPO, and a renamed key."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    equals,
    given,
    off,
    present,
)

PPO = tuple(
    Refusal(
        f"ppo-{how.replace(' ', '-')}".replace("_", "-"),
        "stage",
        (equals("stage", "ppo"), state),
        f"stage: ppo {how}",
        do,
    )
    for how, state, do in (
        ("without do_train", off("do_train"), "Add do_train: true."),
        ("with shift_attn", given("shift_attn"), "Remove shift_attn."),
    )
)

RENAMED = (
    Refusal(
        "evaluation-strategy-renamed",
        "evaluation_strategy",
        (present("evaluation_strategy"),),
        "evaluation_strategy is no key of LLaMA-Factory since transformers 4.46",
        "Rename it to eval_strategy.",
        newer=True,
        first="4.46",
        of="transformers",
    ),
)
