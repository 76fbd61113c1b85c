"""What Oumi refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, below, equals, given

ROWS = (
    Refusal(
        "fsdp-with-deepspeed",
        "deepspeed.enable_deepspeed",
        (given("fsdp.enable_fsdp", "deepspeed.enable_deepspeed"),),
        "fsdp.enable_fsdp and deepspeed.enable_deepspeed exclude each other",
        "Keep one of them.",
        raises="OumiConfigError",
    ),
    Refusal(
        "compile-in-model",
        "model.compile",
        (given("model.compile"),),
        "model.compile in a training configuration",
        "Write training.compile.",
        raises="OumiConfigError",
    ),
    Refusal(
        "compile-with-use-orig-params-off",
        "fsdp.use_orig_params",
        (given("training.compile"), equals("fsdp.use_orig_params", False)),
        "training.compile with fsdp.use_orig_params: False",
        "Set fsdp.use_orig_params: True.",
        raises="OumiConfigError",
    ),
    Refusal(
        "mixed-precision-over-half-precision-model",
        "training.mixed_precision_dtype",
        (
            equals("training.mixed_precision_dtype", "FP16", "BF16", "fp16", "bf16"),
            equals("model.torch_dtype_str", "bfloat16", "float16", "bf16", "fp16"),
        ),
        "training.mixed_precision_dtype over a model that is not loaded in float32",
        "Set model.torch_dtype_str: float32, or remove mixed_precision_dtype.",
        raises="OumiConfigError",
        why="Mixed precision keeps the weights in float32.",
    ),
    Refusal(
        "gradient-accumulation-below-one",
        "training.gradient_accumulation_steps",
        (below("training.gradient_accumulation_steps", 1),),
        "training.gradient_accumulation_steps below 1",
        "Set it to 1 or more.",
        raises="OumiConfigError",
    ),
    Refusal(
        "performance-metrics-with-grpo",
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

REFUSALS = (
    Refusals(
        "oumi",
        "Oumi",
        ROWS,
        "https://github.com/oumi-ai/oumi, src/oumi/core/configs",
        "Oumi raises it when it validates the configuration, before anything is loaded.",
    ),
)
