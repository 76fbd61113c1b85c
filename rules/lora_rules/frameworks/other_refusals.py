"""What the frameworks with few checks refuse: a short table each."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    Written,
    above,
    below,
    differs,
    either,
    equals,
    given,
    off,
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


LITGPT = (
    Refusal(
        "precision",
        (given("quantize"), where(_is_mixed, "precision")),
        "quantize with a mixed precision",
        "Set precision: bf16-true.",
    ),
    *(
        Refusal(
            name,
            (given("quantize"), above(name, 1)),
            f"quantize with {name} above 1",
            f"Set {name}: 1.",
            raises="NotImplementedError",
        )
        for name in ("devices", "num_nodes")
    ),
    Refusal(
        "optimizer",
        (given("quantize"), where(_is_no_adamw, "optimizer", "optimizer.class_path")),
        "quantize with an optimizer other than AdamW",
        "Use AdamW.",
    ),
    *(
        Refusal(
            f"train.{name}",
            (present(f"train.{name}"),),
            f"train.{name}, which LoRA's script does not take",
            "Remove it.",
        )
        for name in ("max_tokens", "max_norm", "tie_embeddings", "lr_warmup_fraction")
    ),
    *(
        Refusal(
            name,
            (equals(name, None),),
            f"{name}: null, which LoRA's script needs",
            "Give it a number.",
        )
        for name in ("train.epochs", "eval.max_new_tokens")
    ),
    Refusal(
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

TORCHTUNE = (
    Refusal(
        "dtype",
        (equals("dtype", "fp16"),),
        "dtype: fp16",
        "Set dtype: bf16.",
    ),
    Refusal(
        "enable_activation_offloading",
        (given("enable_activation_offloading"), off("enable_activation_checkpointing")),
        "enable_activation_offloading without enable_activation_checkpointing",
        "Set enable_activation_checkpointing: True.",
        raises="RuntimeError",
    ),
    Refusal(
        "dataset.packed",
        (equals("dataset.packed", True), equals("tokenizer.max_seq_len", None)),
        "dataset.packed with tokenizer.max_seq_len: null",
        "Set tokenizer.max_seq_len.",
    ),
    Refusal(
        "model.lora_attn_modules",
        (equals("model.lora_attn_modules", []),),
        "an empty model.lora_attn_modules",
        "Name q_proj, k_proj, v_proj or output_proj.",
    ),
)

LUDWIG = (
    Refusal(
        "trainer.type",
        (given("adapter"), differs("trainer.type", "finetune", "none")),
        "an adapter with a trainer.type other than finetune",
        "Set trainer.type: finetune.",
        raises="ConfigValidationError",
    ),
    Refusal(
        "adapter.postprocessor.merge_adapter_into_base_model",
        (
            given("adapter.postprocessor.merge_adapter_into_base_model"),
            below("quantization.bits", 8),
        ),
        "merge_adapter_into_base_model with a quantization below 8 bits",
        "Merge after training, into the base model in 16 bit.",
        raises="ConfigValidationError",
    ),
)

OUMI = (
    Refusal(
        "deepspeed.enable_deepspeed",
        (given("fsdp.enable_fsdp", "deepspeed.enable_deepspeed"),),
        "fsdp.enable_fsdp and deepspeed.enable_deepspeed exclude each other",
        "Keep one of them.",
        raises="OumiConfigError",
    ),
    Refusal(
        "model.compile",
        (given("model.compile"),),
        "model.compile in a training configuration",
        "Write training.compile.",
        raises="OumiConfigError",
    ),
    Refusal(
        "fsdp.use_orig_params",
        (given("training.compile"), equals("fsdp.use_orig_params", False)),
        "training.compile with fsdp.use_orig_params: False",
        "Set fsdp.use_orig_params: True.",
        raises="OumiConfigError",
    ),
    Refusal(
        "training.mixed_precision_dtype",
        (
            equals("training.mixed_precision_dtype", "FP16", "BF16", "fp16", "bf16"),
            equals("model.torch_dtype_str", "bfloat16", "float16", "bf16", "fp16"),
        ),
        "training.mixed_precision_dtype over a model that is not loaded in float32",
        "Set model.torch_dtype_str: float32, or remove mixed_precision_dtype.",
        raises="OumiConfigError",
    ),
    Refusal(
        "training.gradient_accumulation_steps",
        (below("training.gradient_accumulation_steps", 1),),
        "training.gradient_accumulation_steps below 1",
        "Set it to 1 or more.",
        raises="OumiConfigError",
    ),
    Refusal(
        "training.include_performance_metrics",
        (
            equals("training.trainer_type", "TRL_GRPO"),
            given("training.include_performance_metrics"),
        ),
        "training.include_performance_metrics with trainer_type: TRL_GRPO",
        "Remove it.",
        raises="OumiConfigError",
    ),
)

NEMO = (
    Refusal(
        "peft.exclude_modules",
        (given("peft.target_modules", "peft.exclude_modules"),),
        "peft.target_modules and peft.exclude_modules exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "peft.match_all_linear",
        (
            given("peft.match_all_linear"),
            either(given("peft.target_modules"), given("peft.exclude_modules")),
        ),
        "peft.match_all_linear with peft.target_modules or peft.exclude_modules",
        "Write one of them.",
    ),
)

LLM_FOUNDRY = (
    Refusal(
        "model.load_in_8bit",
        (given("model.load_in_8bit"),),
        "model.load_in_8bit in training",
        "Remove it.",
    ),
)


def _accumulates_twice(keys: Written) -> bool:
    rows = keys.value("config.process")
    if not isinstance(rows, list):
        return False
    trains = [row.get("train") for row in rows if isinstance(row, dict)]
    return any(
        isinstance(train, dict)
        and isinstance(first := train.get("gradient_accumulation"), int)
        and isinstance(other := train.get("gradient_accumulation_steps"), int)
        and first > 1
        and other != 1
        for train in trains
    )


AI_TOOLKIT = (
    Refusal(
        "config.process",
        (where(_accumulates_twice, "config.process"),),
        "train.gradient_accumulation and train.gradient_accumulation_steps exclude each other",
        "Write one of them.",
    ),
)
