"""What axolotl refuses of adapters, quantization, preferences and rewards."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    Written,
    below,
    differs,
    either,
    equals,
    given,
    missing,
    off,
    present,
    where,
)

KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")


def _keeps_columns(keys: Written) -> bool:
    """Whether kto is not told to keep the columns that the model does not take."""
    name = "remove_unused_columns"
    return keys.is_missing(name) or keys.value(name) is True


def _splits_no_groups(keys: Written) -> bool:
    group = keys.number("trl.num_generations")
    size = keys.number("trl.generation_batch_size")
    names = ("micro_batch_size", "gradient_accumulation_steps")
    if not group or group < 2 or not keys.is_missing("trl.generation_batch_size"):
        return bool(group and group >= 2 and size and size % group)
    factors = [1.0 if keys.is_missing(name) else keys.number(name) for name in names]
    micro, steps = factors
    return bool(micro and steps and micro * steps % group)


def _betas_differ(keys: Written) -> bool:
    one, other = keys.number("beta"), keys.number("trl.beta")
    return bool(one and other and one != other)


ANY_KERNEL = either(*map(given, KERNELS))
QUANTIZED = either(given("load_in_4bit"), given("load_in_8bit"))
LORA = equals("adapter", "lora", "qlora")
ONE = "Write one of them."

ADAPTER = (
    Refusal(
        "qlora-needs-load-in-4bit",
        "adapter",
        (equals("adapter", "qlora"), off("load_in_4bit"), off("merge_lora")),
        "adapter: qlora without load_in_4bit: true",
        "Add load_in_4bit: true, or write adapter: lora.",
        why="QLoRA is LoRA over a base model in 4 bit.",
    ),
    Refusal(
        "qlora-with-load-in-8bit",
        "load_in_8bit",
        (equals("adapter", "qlora"), given("load_in_8bit")),
        "adapter: qlora with load_in_8bit",
        "Write adapter: lora for 8 bit, or load_in_4bit: true.",
        why="QLoRA is LoRA over a base model in 4 bit, not in 8.",
    ),
    Refusal(
        "qlora-with-gptq",
        "gptq",
        (equals("adapter", "qlora"), given("gptq")),
        "adapter: qlora with gptq",
        "Write adapter: lora for a GPTQ checkpoint.",
        why="A GPTQ checkpoint is quantized already, and QLoRA quantizes when it loads.",
    ),
    Refusal(
        "merge-lora-with-qlora-in-4bit",
        "merge_lora",
        (equals("adapter", "qlora"), given("merge_lora", "load_in_4bit")),
        "merge_lora with adapter: qlora and load_in_4bit",
        "Merge with load_in_4bit: false.",
        why="The adapter is merged into the weights of the base model, which 4 bit cannot hold.",
    ),
    Refusal(
        "peft-layers-to-transform-with-unfrozen-parameters",
        "unfrozen_parameters",
        (given("adapter", "peft_layers_to_transform", "unfrozen_parameters"),),
        "peft_layers_to_transform and unfrozen_parameters do not go together",
        ONE,
    ),
    Refusal(
        "lr-groups-with-loraplus",
        "loraplus_lr_ratio",
        (given("lr_groups", "loraplus_lr_ratio"),),
        "lr_groups and loraplus_lr_ratio exclude each other",
        ONE,
    ),
    Refusal(
        "flash-attn-fuse-mlp-with-lora",
        "flash_attn_fuse_mlp",
        (LORA, given("flash_attn_fuse_mlp")),
        "flash_attn_fuse_mlp with adapter: lora or qlora",
        "Remove flash_attn_fuse_mlp.",
        why="Fusing replaces the layers that LoRA would adapt.",
    ),
    Refusal(
        "use-onebitllms-with-lora",
        "use_onebitllms",
        (LORA, given("use_onebitllms")),
        "use_onebitllms with adapter: lora or qlora",
        "Remove use_onebitllms.",
    ),
    Refusal(
        "lora-kernels-with-load-in-8bit",
        "load_in_8bit",
        (ANY_KERNEL, equals("adapter", "lora"), given("load_in_8bit")),
        "lora_mlp_kernel, lora_qkv_kernel or lora_o_kernel with load_in_8bit",
        "Set the kernels to false, or quantize to 4 bits with adapter: qlora.",
        why="The kernels compute with weights in 16 bit or 4 bit only.",
    ),
    Refusal(
        "lora-kernels-with-trust-remote-code",
        "trust_remote_code",
        (ANY_KERNEL, given("trust_remote_code")),
        "lora_mlp_kernel, lora_qkv_kernel or lora_o_kernel with trust_remote_code",
        "Set the kernels to false, or remove trust_remote_code.",
        why="The kernels patch classes of transformers; a model's own code has others.",
    ),
    Refusal(
        "lora-kernels-with-rl",
        "rl",
        (ANY_KERNEL, given("rl")),
        "LoRA kernels with rl: axolotl documents and tests them for supervised training only, and "
        "switches them on by itself without rl only",
        "Remove lora_mlp_kernel, lora_qkv_kernel and lora_o_kernel.",
        raises="",
    ),
    Refusal(
        "quantize-moe-experts-with-lora-target-linear",
        "lora_target_linear",
        (given("quantize_moe_experts", "lora_target_linear"),),
        "quantize_moe_experts with lora_target_linear",
        "Name the experts' weights in lora_target_parameters instead.",
        why="Experts that are fused into parameters are no linear layers.",
    ),
    Refusal(
        "quantize-moe-experts-needs-quantization",
        "quantize_moe_experts",
        (given("quantize_moe_experts"), off("load_in_4bit", "load_in_8bit")),
        "quantize_moe_experts without load_in_4bit or load_in_8bit",
        "Add load_in_4bit: true, or remove quantize_moe_experts.",
    ),
    Refusal(
        "qat-with-quantization",
        "qat",
        (given("qat"), QUANTIZED),
        "qat with load_in_4bit or load_in_8bit",
        "Remove one of them.",
        why="Training that is aware of quantization simulates it over weights that "
        "are not quantized.",
    ),
    Refusal(
        "model-quantization-config-with-quantization",
        "model_quantization_config",
        (given("model_quantization_config"), QUANTIZED),
        "model_quantization_config with load_in_4bit or load_in_8bit",
        ONE,
    ),
    Refusal(
        "max-memory-with-gpu-memory-limit",
        "gpu_memory_limit",
        (present("max_memory"), present("gpu_memory_limit")),
        "max_memory and gpu_memory_limit exclude each other",
        ONE,
    ),
    Refusal(
        "relora-needs-jagged-restart-steps",
        "relora",
        (given("relora"), off("jagged_restart_steps")),
        "relora without jagged_restart_steps",
        "Add jagged_restart_steps.",
    ),
    Refusal(
        "relora-with-sharding",
        "relora",
        (given("relora"), either(given("fsdp"), given("fsdp_config"), given("deepspeed"))),
        "relora with fsdp, fsdp_config or deepspeed",
        "Train with ReLoRA without sharding.",
    ),
    Refusal(
        "relora-with-one-cycle",
        "lr_scheduler",
        (given("relora"), equals("lr_scheduler", "one_cycle")),
        "relora with lr_scheduler: one_cycle",
        "Choose another schedule.",
    ),
    Refusal(
        "unfrozen-parameters-with-reentrant-checkpointing",
        "gradient_checkpointing_kwargs.use_reentrant",
        (
            given("unfrozen_parameters"),
            equals("gradient_checkpointing_kwargs.use_reentrant", True),
        ),
        "unfrozen_parameters with use_reentrant: true",
        "Set use_reentrant: false.",
    ),
)

PREFERENCES = (
    Refusal(
        "ebft-without-its-section",
        "rl",
        (equals("rl", "ebft"), missing("ebft")),
        "rl: ebft without a section ebft",
        "Add `ebft: {mode: structured}` or `ebft: {mode: strided}`.",
    ),
    Refusal(
        "rl-with-sample-packing",
        "sample_packing",
        (given("rl", "sample_packing"),),
        "rl and sample_packing do not go together",
        "Set sample_packing: false.",
        why="A preference or a reward belongs to one example, and packing joins several.",
    ),
    Refusal(
        "kto-with-eval-sample-packing",
        "eval_sample_packing",
        (equals("rl", "kto"), given("eval_sample_packing"), off("sample_packing")),
        "rl: kto with eval_sample_packing",
        "Set eval_sample_packing: false.",
    ),
    Refusal(
        "kto-needs-remove-unused-columns-off",
        "rl",
        (
            equals("rl", "kto"),
            where(_keeps_columns, "remove_unused_columns"),
            off("skip_prepare_dataset"),
        ),
        "rl: kto without remove_unused_columns: false",
        "Add remove_unused_columns: false.",
    ),
    Refusal(
        "simpo-with-warmup-ratio",
        "warmup_ratio",
        (equals("rl", "simpo"), given("warmup_ratio")),
        "rl: simpo with warmup_ratio",
        "Write warmup_steps instead.",
    ),
    Refusal(
        "dpo-loss-type-needs-dpo",
        "dpo_loss_type",
        (
            either(present("dpo_loss_type"), present("dpo_loss_weights")),
            either(missing("rl"), differs("rl", "dpo")),
        ),
        "dpo_loss_type or dpo_loss_weights without rl: dpo",
        "Set rl: dpo, or remove them.",
    ),
    Refusal(
        "dpo-loss-weights-needs-dpo-loss-type",
        "dpo_loss_weights",
        (equals("rl", "dpo"), present("dpo_loss_weights"), missing("dpo_loss_type")),
        "dpo_loss_weights without dpo_loss_type",
        "Name the losses in dpo_loss_type.",
    ),
    Refusal(
        "grpo-needs-two-generations",
        "trl.num_generations",
        (equals("rl", "grpo"), below("trl.num_generations", 2)),
        "rl: grpo with trl.num_generations below 2",
        "Generate two or more answers a prompt.",
        why="GRPO compares the answers to one prompt with each other.",
    ),
    Refusal(
        "grpo-batch-not-divisible-by-generations",
        "trl.num_generations",
        (
            equals("rl", "grpo"),
            where(
                _splits_no_groups,
                "trl.num_generations",
                "trl.generation_batch_size",
                "micro_batch_size",
                "gradient_accumulation_steps",
            ),
        ),
        "rl: grpo with a generation batch that trl.num_generations does not divide",
        "Make micro_batch_size times gradient_accumulation_steps a multiple of it.",
        newer=True,
        why="All answers to one prompt have to be in one batch.",
    ),
    Refusal(
        "beta-differs-from-trl-beta",
        "trl.beta",
        (where(_betas_differ, "beta", "trl.beta"),),
        "beta and trl.beta with different values",
        ONE,
        why="Both are the weight of the KL penalty.",
    ),
)
