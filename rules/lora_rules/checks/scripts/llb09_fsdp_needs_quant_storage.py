"""Rule LLB09, fsdp-needs-quant-storage."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    argument,
    argument_is,
    base_load,
    first_argument,
    quantized,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import (
    ACCELERATE_SOURCE,
    FSDP2_QLORA,
    QLORA_GUIDE,
    RELEASES_READ,
    SCRIPT_RUNS,
)
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call
from lora_rules.repository import Repository
from lora_rules.units import GIB


@rule(
    "LLB09",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "Two processes, Trainer with fsdp: under FSDP2 each holds all bytes of uint8 weights "
            "and half of float32 ones, with the same losses; FSDP1 raises for uint8."
        ),
        ACCELERATE_SOURCE.says(
            "FSDP2 leaves frozen 4-bit weights that are not floating point out of the sharding, "
            "with a warning; since 1.14.0."
        ),
        RELEASES_READ.says("transformers defaults to FSDP2 from 5.10.0 on; 5.9.0 to FSDP1."),
        QLORA_GUIDE.says("The dtype of the model is the same as bnb_4bit_quant_storage."),
        FSDP2_QLORA.says(
            "Sharding uint8 weights crashed, or gave loss 0 and gradient nan, with torch 2.8 and "
            "bitsandbytes 0.48."
        ),
    ],
)
def fsdp_needs_quant_storage(
    program: Program,
    repository: Repository,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """QLoRA under FSDP with a storage type that FSDP does not shard.

    ## What it checks
    Training arguments with `fsdp=` and a model in 4 bits whose `bnb_4bit_quant_storage` is left at
    uint8.

    - A warning with the bytes of the 4-bit weights, where the model is known.
    - An error where FSDP1 is certain: `"version": 1` in `fsdp_config`, or no version there and
      transformers pinned below 5.10, which made FSDP2 the default.

    ## Why it matters
    FSDP shards floating-point tensors, and packed 4-bit weights are uint8 unless another storage
    type is given. FSDP2 leaves them out, with a warning, since accelerate 1.14: training works, and
    every GPU holds the whole 4-bit base. Earlier versions of accelerate sharded them, which crashed
    or gave loss 0 (accelerate#3983). FSDP1 raises ValueError, "Cannot flatten integer dtype
    tensors".

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(  # LLB09
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits, dtype=torch.bfloat16
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", max_steps=500, learning_rate=2e-4, max_length=2048, fsdp=True)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_quant_storage=torch.bfloat16,
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits, dtype=torch.bfloat16
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", max_steps=500, learning_rate=2e-4, max_length=2048, fsdp=True)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When the whole 4-bit base fits on each GPU beside the activations.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        args = calls.maker(trainer.things.get("args"))
        load = base_load(calls, trainer.things.get("model"))
        config = _four_bits(calls, load)
        if load is None or config is None or args is None:
            continue
        sharded = argument(args, "fsdp", None)
        storage = argument(config, "bnb_4bit_quant_storage", None)
        if sharded is UNKNOWN or not sharded or storage not in (None, "uint8"):
            continue
        first = _is_first_version(args, pinned_transformers)
        yield Problem(
            config.span,
            'FSDP1 raises ValueError for the 4-bit weights: "Cannot flatten integer dtype tensors".'
            if first
            else "FSDP does not shard 4-bit weights that are stored as uint8: every GPU holds all "
            f"of them{_size(load, config, repository)}.",
            severity=Severity.ERROR if first else None,
            help="Set bnb_4bit_quant_storage to the dtype that the model is loaded in.",
            also=(args.span,),
        )


def _four_bits(calls: Calls, load: Call | None) -> Call | None:
    """The configuration with which a model is certainly loaded in 4 bits."""
    config = quantized(calls, load) if load is not None else None
    if config is None or not argument_is(config.arguments.get("load_in_4bit"), True):
        return None
    return config


def _is_first_version(args: Call, pinned_transformers: VersionRange) -> bool:
    """Whether it is certainly FSDP1 that shards."""
    config = argument(args, "fsdp_config", {})
    if not isinstance(config, dict):
        return config is None and pinned_transformers.certainly_below("5.10")
    version = config.get("version", config.get("fsdp_version"))
    if version is None:
        return pinned_transformers.certainly_below("5.10")
    return version in (1, "1")


def _size(load: Call, config: Call, repository: Repository) -> str:
    """The bytes of the 4-bit weights in words, where the model is known."""
    from lora_rules.facts.memory.weights import BYTES_PER_WEIGHT
    from lora_rules.facts.model.architecture import architecture

    name = first_argument(load, "pretrained_model_name_or_path")
    if not isinstance(name, str):
        return ""
    try:
        weights = architecture(name, repository).linear_parameters
    except Unknown:
        return ""
    double = argument_is(config.arguments.get("bnb_4bit_use_double_quant"), True)
    return f" ({weights * BYTES_PER_WEIGHT['nf4-dq' if double else 'nf4'] / GIB:.1f} GiB)"
