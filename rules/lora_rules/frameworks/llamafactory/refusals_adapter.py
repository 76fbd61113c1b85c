"""What LLaMA-Factory refuses of adapters and of quantization, and what it ignores of them."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    State,
    differs,
    equals,
    given,
    missing,
    off,
    present,
)

NOT_LORA = differs("finetuning_type", "lora")
OF_LORA = ("use_rslora", "use_dora", "pissa_init")
IN_PPO: tuple[tuple[str, State, str], ...] = (
    ("do_train", off("do_train"), "without do_train"),
    ("shift_attn", given("shift_attn"), "with shift_attn"),
)
OF_QUANTIZATION = ("quantization_method", "quantization_type", "double_quantization")

ADAPTER = (
    Refusal(
        "adapter-without-lora",
        "adapter_name_or_path",
        (given("adapter_name_or_path"), NOT_LORA),
        "adapter_name_or_path with a finetuning_type other than lora",
        "Set finetuning_type: lora, or remove adapter_name_or_path.",
    ),
    Refusal(
        "quantization-bit-without-adapter",
        "quantization_bit",
        (present("quantization_bit"), differs("finetuning_type", "lora", "oft")),
        "quantization_bit with a finetuning_type other than lora and oft",
        "Set finetuning_type: lora, or remove quantization_bit.",
    ),
    *(
        Refusal(
            f"{kebab(name)}-without-lora",
            name,
            (given(name), NOT_LORA),
            f"{name} with a finetuning_type other than lora",
            f"Set finetuning_type: lora, or remove {name}.",
        )
        for name in OF_LORA
    ),
    Refusal(
        "loraplus-lr-ratio-without-lora",
        "loraplus_lr_ratio",
        (present("loraplus_lr_ratio"), NOT_LORA),
        "loraplus_lr_ratio with a finetuning_type other than lora",
        "Set finetuning_type: lora, or remove loraplus_lr_ratio.",
    ),
    Refusal(
        "use-llama-pro-in-full-training",
        "use_llama_pro",
        (given("use_llama_pro"), equals("finetuning_type", "full")),
        "use_llama_pro with finetuning_type: full",
        "Remove use_llama_pro.",
    ),
    *(
        Refusal(
            f"{kebab(one)}-with-{kebab(other)}",
            other,
            (given(one, other),),
            f"{one} and {other} exclude each other",
            "Keep one of them.",
        )
        for one, other in (
            ("use_galore", "use_apollo"),
            ("use_galore", "use_badam"),
            ("use_apollo", "use_badam"),
        )
    ),
    *(
        Refusal(
            f"ppo-{how.replace(' ', '-')}".replace("_", "-"),
            name,
            (equals("stage", "ppo"), state),
            f"stage: ppo {how}",
            "Train with do_train: true." if name == "do_train" else f"Remove {name}.",
        )
        for name, state, how in IN_PPO
    ),
    Refusal(
        "lora-reward-model-without-lora",
        "reward_model_type",
        (
            equals("stage", "ppo"),
            NOT_LORA,
            # its default is lora
            State(
                ("reward_model_type",),
                lambda keys: (
                    keys.is_missing("reward_model_type")
                    or keys.value("reward_model_type") == "lora"
                ),
            ),
        ),
        "reward_model_type: lora with a finetuning_type other than lora",
        "Set reward_model_type: full.",
    ),
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
