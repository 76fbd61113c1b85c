"""Rule LLB06, quantized-without-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument,
    base_load,
    is_loaded_model,
    is_unknown,
    of,
    quantized,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB06",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says("Trainer raises ValueError for a 4-bit model without an adapter."),
    ],
)
def quantized_without_adapter(program: Program) -> Iterator[Problem]:
    """A trainer gets a quantized model that has no adapter.

    ## What it checks
    A model that is certainly loaded in 4 or 8 bits goes to a trainer of transformers or TRL, and
    nothing gave it an adapter: no `get_peft_model`, no `PeftModel`, no `add_adapter`, no
    `peft_config`.

    ## Why it matters
    transformers raises ValueError, "You cannot perform fine-tuning on purely quantized models",
    once the model has been downloaded and loaded. A LoraConfig that is made and not handed over
    does not help.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load())  # LLB06
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
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
        model = trainer.things.get("model")
        load = base_load(calls, model)
        if load is None or model is None or quantized(calls, load) is None:
            continue
        if not trainer.name.startswith(("transformers.", "trl.")) or not load.certain_after(
            trainer
        ):
            continue
        if argument(trainer, "peft_config", None) is not None or not load.certain_after(trainer):
            continue
        if not calls.any_between(_may_adapt, model, None, trainer):
            yield Problem(
                trainer.span,
                f"the model is quantized (line {load.span.line}) and has no adapter: the trainer "
                "raises ValueError.",
                help="Pass peft_config, or wrap the model with get_peft_model.",
                also=(load.span,),
            )


def _may_adapt(call: Call, model: Thing) -> bool:
    if call.made == model and not is_loaded_model(call) and not call.name.startswith("."):
        return not call.name.startswith("peft.prepare_model_for_")
    names = (".add_adapter", ".load_adapter", ".dequantize", ".init_adapters")
    return is_unknown(call, model) or (of(call, model) and call.name in names)
