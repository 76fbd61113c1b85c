"""What LitGPT refuses."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    Written,
    above,
    equals,
    given,
    present,
    where,
)


def _is_mixed(keys: Written) -> bool:
    return "mixed" in str(keys.value("precision"))


def _is_no_adamw(keys: Written) -> bool:
    named = [keys.value(name) for name in ("optimizer", "optimizer.class_path")]
    return any(isinstance(name, str) and "AdamW" not in name for name in named)


def _gives_a_device_nothing(keys: Written) -> bool:
    """Whether a device's share of the global batch is less than one micro batch."""
    whole, micro = keys.number("train.global_batch_size"), keys.number("train.micro_batch_size")
    devices = 1.0 if keys.is_missing("devices") else keys.number("devices")
    return bool(whole and micro and devices and whole // devices < micro)


ROWS = (
    Refusal(
        "quantize-with-mixed-precision",
        "precision",
        (given("quantize"), where(_is_mixed, "precision")),
        "quantize with a mixed precision",
        "Set precision: bf16-true.",
    ),
    *(
        Refusal(
            f"quantize-with-several-{kebab(name.removeprefix('num_'))}",
            name,
            (given("quantize"), above(name, 1)),
            f"quantize with {name} above 1",
            f"Set {name}: 1.",
            raises="NotImplementedError",
        )
        for name in ("devices", "num_nodes")
    ),
    Refusal(
        "quantize-with-other-optimizer",
        "optimizer",
        (given("quantize"), where(_is_no_adamw, "optimizer", "optimizer.class_path")),
        "quantize with an optimizer other than AdamW",
        "Use AdamW.",
    ),
    *(
        Refusal(
            f"train-{kebab(name)}-not-taken",
            f"train.{name}",
            (present(f"train.{name}"),),
            f"train.{name}, which LoRA's script does not take",
            "Remove it.",
        )
        for name in ("max_tokens", "max_norm", "tie_embeddings", "lr_warmup_fraction")
    ),
    *(
        Refusal(
            f"{kebab(name)}-null",
            name,
            (equals(name, None),),
            f"{name}: null, which LoRA's script needs",
            "Give it a number.",
        )
        for name in ("train.epochs", "eval.max_new_tokens")
    ),
    Refusal(
        "global-batch-size-below-micro-batches",
        "train.global_batch_size",
        (
            where(
                _gives_a_device_nothing,
                "train.global_batch_size",
                "train.micro_batch_size",
                "devices",
            ),
        ),
        "train.global_batch_size below train.micro_batch_size times devices",
        "Raise it, or lower the micro batch.",
        raises="AssertionError",
    ),
)

REFUSALS = (
    Refusals(
        "litgpt",
        "LitGPT",
        ROWS,
        "https://github.com/Lightning-AI/litgpt, litgpt/finetune/lora.py",
        "LitGPT raises it when the script starts, before the model is loaded.",
    ),
)
