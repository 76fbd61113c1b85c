"""What ms-swift refuses (arguments/{sft_args,rlhf_args}.py, base_args/*.py)."""

from __future__ import annotations

from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import (
    Refusal,
    Refusals,
    State,
    above,
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

FLASH = ("flash_attn", "flash_attention_2", "flash_attention_3", "flash_attention_4")
MEGATRON = (
    "micro_batch_size",
    "global_batch_size",
    "tensor_model_parallel_size",
    "pipeline_model_parallel_size",
)
"""Megatron-SWIFT reads such a file, and has checks of its own."""
HERE = off(*MEGATRON)
NO_FLASH = either(missing("attn_impl"), differs("attn_impl", *FLASH))
VLLM = equals("rlhf_type", "grpo", "gkd")
PLAIN_GRPO = equals("rlhf_type", "grpo")


def _liger(name: str, *states: State) -> Refusal:
    return Refusal(
        f"grpo-liger-with-{kebab(name)}",
        name,
        (PLAIN_GRPO, given("use_liger_kernel"), *states),
        f"rlhf_type: grpo with use_liger_kernel and {name}",
        "Remove one of them.",
    )


TRAINING = (
    *(
        Refusal(
            f"{kebab(name)}-needs-flash-attention",
            name,
            (HERE, given(name), NO_FLASH),
            f"{name} without a FlashAttention attn_impl",
            "Set attn_impl: flash_attn.",
        )
        for name in ("packing", "padding_free")
    ),
    *(
        Refusal(
            f"{kebab(name)}-with-lazy-tokenize",
            "lazy_tokenize",
            (given("lazy_tokenize", name),),
            f"{name} and lazy_tokenize exclude each other",
            "Set lazy_tokenize: false.",
        )
        for name in ("packing", "streaming")
    ),
    Refusal(
        "fsdp-with-deepspeed",
        "fsdp",
        (given("deepspeed", "fsdp"),),
        "fsdp and deepspeed exclude each other",
        "Write one of them.",
    ),
    Refusal(
        "fsdp2-with-save-only-model",
        "save_only_model",
        (equals("fsdp", "fsdp2"), given("save_only_model")),
        "save_only_model with fsdp: fsdp2, which saves sharded",
        "Set save_only_model: false.",
    ),
    Refusal(
        "warmup-ratio-with-warmup-steps",
        "warmup_ratio",
        (HERE, given("warmup_ratio", "warmup_steps")),
        "warmup_ratio and warmup_steps exclude each other",
        "Write one of them.",
        newer=True,
    ),
    Refusal(
        "warmup-ratio-not-below-one",
        "warmup_ratio",
        (
            HERE,
            off("warmup_steps"),
            either(above("warmup_ratio", 1), where(lambda k: k.number("warmup_ratio") == 1)),
        ),
        "warmup_ratio of 1 or more",
        "Write warmup_steps for a number of steps.",
        newer=True,
    ),
    Refusal(
        "quant-method-needs-quant-bits",
        "quant_method",
        (equals("quant_method", "bnb", "hqq", "eetq", "quanto"), missing("quant_bits")),
        "quant_method without quant_bits",
        "Add quant_bits.",
    ),
    Refusal(
        "bnb-with-other-quant-bits",
        "quant_bits",
        (equals("quant_method", "bnb"), equals("quant_bits", 1, 2, 3, "1", "2", "3", "float8")),
        "quant_method: bnb with quant_bits other than 4 and 8",
        "Set quant_bits: 4 or 8.",
    ),
    Refusal(
        "quanto-with-other-quant-bits",
        "quant_bits",
        (equals("quant_method", "quanto"), equals("quant_bits", 1, 3, "1", "3")),
        "quant_method: quanto with quant_bits other than 2, 4, 8 and float8",
        "Set quant_bits: 2, 4, 8 or float8.",
    ),
    Refusal(
        "eetq-with-other-quant-bits",
        "quant_bits",
        (
            equals("quant_method", "eetq"),
            equals("quant_bits", *(kind(n) for n in (1, 2, 3, 4) for kind in (int, str)), "float8"),
        ),
        "quant_method: eetq with quant_bits other than 8",
        "Set quant_bits: 8.",
    ),
)

REINFORCEMENT = (
    Refusal(
        "ref-model-with-lora",
        "ref_model",
        (
            HERE,
            given("ref_model"),
            either(
                differs("rlhf_type", "grpo"),
                where(lambda keys: keys.value("rlhf_type") == "grpo" and keys.is_missing("beta")),
            ),
        ),
        "ref_model in a LoRA run, whose reference is the base model",
        "Remove ref_model.",
        why="With the adapter off, the base model itself is the reference.",
    ),
    Refusal(
        "vllm-mode-needs-use-vllm",
        "vllm_mode",
        (VLLM, present("vllm_mode"), off("use_vllm")),
        "vllm_mode without use_vllm",
        "Add use_vllm: true.",
    ),
    Refusal(
        "use-vllm-needs-vllm-mode",
        "use_vllm",
        (VLLM, present("tuner_type"), given("use_vllm"), missing("vllm_mode")),
        "use_vllm without vllm_mode",
        "Set vllm_mode: colocate or server.",
    ),
    Refusal(
        "grpo-with-other-truncation-strategy",
        "truncation_strategy",
        (PLAIN_GRPO, differs("truncation_strategy", "left", "delete")),
        "rlhf_type: grpo with a truncation_strategy other than left and delete",
        "Set truncation_strategy: left or delete.",
    ),
    Refusal(
        "grpo-needs-two-generations",
        "num_generations",
        (PLAIN_GRPO, equals("num_generations", 1), off("teacher_model", "teacher_model_server")),
        "rlhf_type: grpo with num_generations: 1",
        "Generate two or more answers a prompt.",
        why="GRPO compares the answers to one prompt with each other.",
    ),
    *(
        Refusal(
            f"{kebab(name)}-with-other-rlhf-type",
            name,
            (HERE, given(name), differs("rlhf_type", "grpo", "dpo", "kto", "gkd")),
            f"{name} with an rlhf_type other than grpo, dpo, kto and gkd",
            f"Remove {name}.",
            raises="NotImplementedError",
        )
        for name in ("packing", "padding_free")
    ),
    Refusal(
        "sequence-parallel-with-other-rlhf-type",
        "sequence_parallel_size",
        (HERE, above("sequence_parallel_size", 1), differs("rlhf_type", "grpo", "dpo")),
        "sequence_parallel_size above 1 with an rlhf_type other than grpo and dpo",
        "Set sequence_parallel_size: 1.",
        raises="NotImplementedError",
    ),
    _liger("delta", present("delta")),
    _liger("sequence_parallel_size", above("sequence_parallel_size", 1)),
    _liger("padding_free", given("padding_free")),
    _liger("top_entropy_quantile", below("top_entropy_quantile", 1)),
    _liger("log_entropy", given("log_entropy")),
)

RENAMED = (
    *(
        Refusal(
            f"{kebab(old)}-renamed",
            old,
            (HERE, present(old)),
            f"{old} is no argument since ms-swift {version}",
            "Rename it to tuner_type.",
            since=f"ms-swift {version}",
            first=version,
        )
        for old, version in (("sft_type", "3.0"), ("train_type", "4.1"))
    ),
)

REFUSALS = (
    Refusals(
        "ms-swift",
        "ms-swift",
        (*TRAINING, *REINFORCEMENT, *RENAMED),
        "https://github.com/modelscope/ms-swift, swift/arguments",
        "ms-swift raises it when it reads its arguments, before anything is loaded.",
    ),
)
