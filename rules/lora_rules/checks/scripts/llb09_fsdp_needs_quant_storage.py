"""Rule LLB09, fsdp-needs-quant-storage."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    argument,
    argument_is,
    base_load,
    quantized,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import QLORA_GUIDE, SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LLB09",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says("Which orders of calls raise, train nothing, or lose what they trained."),
        QLORA_GUIDE.says(
            "Call prepare_model_for_kbit_training before get_peft_model; with FSDP set "
            "bnb_4bit_quant_storage to the dtype of the other parameters."
        ),
    ],
)
def fsdp_needs_quant_storage(program: Program) -> Iterator[Problem]:
    """QLoRA under FSDP without a storage type that FSDP can shard.

    ## What it checks
    Training arguments with `fsdp=` and a model in 4 bits whose `bnb_4bit_quant_storage` is left at
    uint8.

    ## Why it matters
    FSDP flattens the parameters of a layer into one tensor and needs one type for all of them. The
    packed 4-bit weights are stored as uint8 unless told otherwise: wrapping raises "Must flatten
    tensors with uniform dtype" (axolotl#1494, trl#1723, peft#1432).

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
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard auto_wrap")
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
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, fsdp="full_shard auto_wrap")
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        load = base_load(calls, trainer.things.get("model"))
        if load is None:
            continue
        config = quantized(calls, load)
        args = calls.maker(trainer.things.get("args"))
        if (
            config is None
            or args is None
            or not argument_is(config.arguments.get("load_in_4bit"), True)
        ):
            continue
        sharded = argument(args, "fsdp", None)
        storage = argument(config, "bnb_4bit_quant_storage", None)
        if sharded is UNKNOWN or not sharded or storage not in (None, "uint8"):
            continue
        yield Problem(
            config.span,
            "FSDP shards the parameters of a layer as one type, and the 4-bit weights are stored "
            "as uint8.",
            help="Set bnb_4bit_quant_storage to the dtype that the model is loaded in.",
            also=(args.span,),
        )
