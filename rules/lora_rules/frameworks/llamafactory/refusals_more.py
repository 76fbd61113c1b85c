"""What LLaMA-Factory refuses of PPO and under ZeRO-3, and a renamed key."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    equals,
    given,
    off,
    present,
    under_zero3,
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

ZERO3 = tuple(
    Refusal(
        f"{kebab(name)}-under-zero3",
        name,
        (under_zero3(name),),
        f"{name} under DeepSpeed's ZeRO-3",
        do,
        why=why,
        first=first,
    )
    for name, do, why, first in (
        ("use_unsloth", "Take ZeRO-2, or remove use_unsloth.", "", ""),
        ("use_kt", "Remove deepspeed.", "", "0.9.4"),
        ("pure_bf16", "Write bf16: true, or take ZeRO-2.", "", ""),
        ("predict_with_generate", "Take ZeRO-2, or predict in a run of its own.", "", "0.9.0"),
        (
            "pissa_init",
            "Run scripts/pissa_init.py first, or take ZeRO-2.",
            "PiSSA factors weights of which ZeRO-3 holds shares.",
            "",
        ),
    )
)
