"""What LLaMA-Factory refuses of PPO, what it ignores of quantization, and a renamed key."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    equals,
    given,
    missing,
    off,
    present,
)

OF_QUANTIZATION = ("quantization_method", "quantization_type", "double_quantization")

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

IGNORED = tuple(
    Refusal(
        f"{kebab(name)}-needs-quantization-bit",
        name,
        (
            given(name),
            missing("quantization_bit", "export_quantization_bit"),
            off(*OF_QUANTIZATION[:place]),  # one finding is enough
        ),
        f"{name} without quantization_bit, which alone quantizes: it has no effect",
        f"Add quantization_bit: 4, or remove {name}.",
        raises="",
        why="Without quantization_bit the base model is loaded in 16 bit.",
    )
    for place, name in enumerate(OF_QUANTIZATION)
)

RENAMED = (
    Refusal(
        "evaluation-strategy-renamed",
        "evaluation_strategy",
        (present("evaluation_strategy"),),
        "evaluation_strategy is no key of LLaMA-Factory since transformers 4.46",
        "Rename it to eval_strategy.",
        newer=True,
    ),
)
