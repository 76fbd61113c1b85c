"""What axolotl refuses of sharding, optimizers, attention and checkpointing."""

from __future__ import annotations

from lora_rules.engine.refusals import (
    Refusal,
    State,
    Written,
    above,
    differs,
    either,
    equals,
    given,
    missing,
    off,
    present,
    where,
)

VERSIONS = ("fsdp_version", "fsdp_config.version", "fsdp_config.fsdp_version")
FLASH = (
    "flash_attention_2",
    "flash_attention_3",
    "kernels-community/flash-attn2",
    "kernels-community/flash-attn3",
)
BACKENDS = ("eager", "sdpa", *FLASH[:2], "flex_attention", "xformers", "sage", "fp8")
FLAGS = (
    "xformers_attention",
    "sage_attention",
    "flex_attention",
    "flash_attention",
    "sdp_attention",
    "eager_attention",
)
EIGHT_BIT = ("adamw_8bit", "adamw_bnb_8bit")
CROSS_ENTROPY = (
    "cut_cross_entropy",
    "chunked_cross_entropy",
    "liger_cross_entropy",
    "liger_fused_linear_cross_entropy",
)
MATMULS = ("aten::mm", "aten::addmm", "aten::matmul", "aten::bmm")


def _version(keys: Written) -> str | None:
    """Which FSDP it is; 1 where none is written, ``None`` where it cannot be told."""
    for name in VERSIONS:
        if not keys.is_missing(name):
            known = keys.known(name)
            return str(known[0]) if len(known) == 1 else None
    return "1"


def _fsdp(version: str) -> State:
    one = version == "1"
    return where(
        lambda keys: (
            (keys.is_set("fsdp") or keys.is_set("fsdp_config"))
            and (found := _version(keys)) is not None
            and (found != "2") == one
        ),
        "fsdp",
        "fsdp_config",
        *VERSIONS,
    )


def _has_no_flash(keys: Written) -> bool:
    chosen = keys.value("attn_implementation")
    if isinstance(chosen, str):
        return chosen in BACKENDS and chosen not in FLASH
    return keys.is_missing("attn_implementation") and keys.is_unset("flash_attention")


def _has_unknown_backend(keys: Written) -> bool:
    chosen = keys.value("attn_implementation")
    return isinstance(chosen, str) and "/" not in chosen and chosen not in BACKENDS


def _has_several_losses(keys: Written) -> bool:
    return sum(map(keys.is_set, CROSS_ENTROPY)) > 1


def _saves_matmuls(keys: Written) -> bool:
    saved = keys.value("selective_checkpointing.save")
    if not isinstance(saved, list):
        return False
    names = [str(one) for one in saved if one != "attention"]
    return any(name in matmul for name in names for matmul in MATMULS)


def _needs_fsdp2(keys: Written) -> bool:
    optimizer = str(keys.value("optimizer"))
    return optimizer == "muon" or optimizer.startswith("flash_")


QUANTIZED = either(given("load_in_4bit"), given("load_in_8bit"))
ONE = "Write one of them."

MEMORY = (
    Refusal(
        "fsdp-with-deepspeed",
        "fsdp",
        (given("deepspeed", "fsdp"),),
        "deepspeed and fsdp exclude each other",
        ONE,
    ),
    Refusal(
        "fsdp2-with-quantized-preference-training",
        "fsdp_version",
        (equals("fsdp_version", 2), equals("rl", "dpo", "kto", "orpo", "ipo"), QUANTIZED),
        "fsdp_version: 2 with load_in_4bit or load_in_8bit under rl: dpo, kto, orpo or ipo",
        "Use DeepSpeed, or fsdp_version: 1.",
    ),
    Refusal(
        "fsdp1-offload-with-8bit-optimizer",
        "optimizer",
        (
            where(lambda keys: "8bit" in str(keys.value("optimizer")), "optimizer"),
            given("fsdp_config"),
            either(given("fsdp_config.offload_params"), given("fsdp_config.fsdp_offload_params")),
            _fsdp("1"),
        ),
        "an 8-bit optimizer with fsdp_config.offload_params under FSDP 1",
        "Use an optimizer of 32 bit, or fsdp_version: 2 with adamw_torch_8bit.",
    ),
    Refusal(
        "fsdp2-with-bitsandbytes-optimizer",
        "optimizer",
        (equals("optimizer", *EIGHT_BIT), given("fsdp_config"), _fsdp("2")),
        "optimizer: adamw_8bit or adamw_bnb_8bit under FSDP 2",
        "Use adamw_torch_8bit.",
        why="FSDP 2 shards DTensors, which the optimizers of bitsandbytes do not take.",
    ),
    Refusal(
        "q-galore-with-adapter",
        "optimizer",
        (equals("optimizer", "q_galore_adamw8bit"), given("adapter")),
        "optimizer: q_galore_adamw8bit with an adapter",
        "Choose another optimizer.",
    ),
    Refusal(
        "muon-or-flash-optimizer-needs-fsdp2",
        "optimizer",
        (
            where(_needs_fsdp2, "optimizer"),
            either(given("deepspeed"), _fsdp("1")),
        ),
        "optimizer: muon or flash_* with deepspeed or FSDP 1",
        "Use fsdp_version: 2, or adamw_torch_fused.",
    ),
    Refusal(
        "activation-offloading-needs-gradient-checkpointing",
        "activation_offloading",
        (given("activation_offloading"), off("gradient_checkpointing")),
        "activation_offloading without gradient_checkpointing",
        "Add gradient_checkpointing: true.",
    ),
    Refusal(
        "selective-checkpointing-needs-gradient-checkpointing",
        "selective_checkpointing",
        (given("selective_checkpointing"), off("gradient_checkpointing")),
        "selective_checkpointing without gradient_checkpointing",
        "Add gradient_checkpointing: true.",
    ),
    Refusal(
        "selective-checkpointing-with-reentrant-checkpointing",
        "selective_checkpointing",
        (
            given("selective_checkpointing"),
            equals("gradient_checkpointing_kwargs.use_reentrant", True),
        ),
        "selective_checkpointing with use_reentrant: true",
        "Set use_reentrant: false.",
        why="The choice of what is saved is a context that only checkpointing "
        "without re-entrance has.",
    ),
    Refusal(
        "selective-checkpointing-with-activation-offloading",
        "activation_offloading",
        (
            given("selective_checkpointing"),
            equals("activation_offloading", True, "legacy", "disk"),
        ),
        "selective_checkpointing with an activation_offloading other than hidden_states",
        "Set activation_offloading: hidden_states, or remove it.",
    ),
    Refusal(
        "selective-checkpointing-of-matmuls-with-adapter",
        "selective_checkpointing.save",
        (given("adapter"), where(_saves_matmuls, "selective_checkpointing.save")),
        "selective_checkpointing.save with the results of matrix products, under an adapter",
        "Save only attention.",
    ),
    Refusal(
        "several-cross-entropies",
        "liger_fused_linear_cross_entropy",
        (where(_has_several_losses, *CROSS_ENTROPY),),
        "more than one of cut_cross_entropy, chunked_cross_entropy, liger_cross_entropy and "
        "liger_fused_linear_cross_entropy",
        "Keep one of them.",
        why="Each replaces the same function.",
    ),
    Refusal(
        "attn-implementation-with-older-switch",
        "attn_implementation",
        (present("attn_implementation"), either(*map(given, FLAGS))),
        f"attn_implementation with one of the older switches ({', '.join(FLAGS)})",
        "Keep attn_implementation.",
        newer=True,
    ),
    Refusal(
        "attn-implementation-unknown",
        "attn_implementation",
        (where(_has_unknown_backend, "attn_implementation"),),
        f"attn_implementation that is none of {', '.join(BACKENDS)} nor a kernel of the Hub",
        "Write flash_attention_2 for flash, flex_attention for flex, sdpa for sdp.",
        newer=True,
    ),
    Refusal(
        "context-parallel-needs-flash-attention",
        "context_parallel_size",
        (
            above("context_parallel_size", 1),
            where(_has_no_flash, "attn_implementation", "flash_attention"),
            off("use_glm_dsa_kernels", "gemma4_hybrid_attn_impl"),
        ),
        "context_parallel_size above 1 without FlashAttention",
        "Set attn_implementation: flash_attention_2.",
        why="The ring that shares a sequence among devices is made of FlashAttention's kernels.",
    ),
    Refusal(
        "context-parallel-packing-needs-micro-batch-of-one",
        "micro_batch_size",
        (
            above("context_parallel_size", 1),
            given("sample_packing"),
            above("micro_batch_size", 1),
            off("use_glm_dsa_kernels"),
        ),
        "context_parallel_size above 1 with sample_packing and micro_batch_size above 1",
        "Set micro_batch_size: 1.",
    ),
    Refusal(
        "scaling-softmax-needs-flex-attention",
        "scaling_softmax",
        (
            given("scaling_softmax"),
            either(
                differs("attn_implementation", "flex_attention"),
                missing("attn_implementation"),
            ),
            off("flex_attention"),
        ),
        "scaling_softmax without attn_implementation: flex_attention",
        "Set attn_implementation: flex_attention.",
    ),
    Refusal(
        "torch-compile-options-needs-torch-compile",
        "torch_compile_options",
        (given("torch_compile_options"), off("torch_compile")),
        "torch_compile_options without torch_compile",
        "Add torch_compile: true.",
    ),
    Refusal(
        "deepcompile-needs-deepspeed",
        "deepcompile",
        (given("deepcompile"), off("deepspeed")),
        "deepcompile without deepspeed",
        "Remove deepcompile.",
    ),
    Refusal(
        "fp32-norms-needs-fsdp2",
        "fp32_norms",
        (given("fp32_norms"), either(off("fsdp_config"), _fsdp("1"))),
        "fp32_norms without FSDP 2",
        "Remove fp32_norms, or set fsdp_config and fsdp_version: 2.",
    ),
)

EFFICIENT = ("fsdp_config.cpu_ram_efficient_loading", "fsdp_config.fsdp_cpu_ram_efficient_loading")
SHARDED_BY_TORCH = (
    Refusal(
        "fsdp1-with-load-in-8bit",
        "load_in_8bit",
        (equals("adapter", "lora"), given("load_in_8bit"), _fsdp("1"), off(*EFFICIENT)),
        "load_in_8bit under FSDP 1, which cannot flatten weights of int8: torch raises ValueError",
        "Use adapter: qlora with load_in_4bit, no quantization, fsdp_version: 2, or DeepSpeed.",
        raises="",
        why="FSDP 1 joins the weights of a block into one flat tensor, and takes only floating "
        "point; 4 bits are stored as such. With cpu_ram_efficient_loading weights may be sharded "
        "before they are quantized.",
    ),
)
"""What torch refuses when axolotl wraps the model."""
