"""Rule LL504, kbit-prepare-missing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    adapted,
    base_load,
    is_unknown,
    of,
    quantized,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import QLORA_GUIDE
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing


@rule(
    "LL504",
    Severity.WARNING,
    evidence=[
        QLORA_GUIDE.says(
            "Call prepare_model_for_kbit_training before get_peft_model; with FSDP set "
            "bnb_4bit_quant_storage to the dtype of the other parameters."
        ),
    ],
)
def kbit_prepare_missing(program: Program, outline: Outline) -> Iterator[Problem]:
    """A quantized base gets LoRA and is trained without being prepared for it.

    ## What it checks
    A model that is certainly loaded in 4 or 8 bits, `get_peft_model`, and transformers' `Trainer`
    or a loop of the script's own, with no `prepare_model_for_kbit_training`, no
    `enable_input_require_grads` and nothing unknown in between. TRL and Unsloth prepare the model
    themselves.

    ## Why it matters
    The preparation casts the norms and the head to float32, turns gradient checkpointing on and
    makes the inputs require gradients. Without it training runs, with norms in 16 bits and, at
    7B, several times the activations in memory.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        BitsAndBytesConfig,
        Trainer,
        TrainingArguments,
    )

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    base = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)  # LL504: get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import (
        AutoModelForCausalLM,
        BitsAndBytesConfig,
        Trainer,
        TrainingArguments,
    )

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    base = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    base = prepare_model_for_kbit_training(base)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When memory is ample and norms in 16 bits are meant.

    ## Options
    None.
    """
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        load = base_load(calls, model)
        if use.name != "peft.get_peft_model" or load is None or quantized(calls, load) is None:
            continue
        if calls.named(*_PREPARING) or calls.places(_prepares, model):
            continue
        if any(not t.setup.name.startswith("trl.") for t in trainings(calls, model)):
            yield Problem(
                use.span,
                f"the base is quantized (line {load.span.line}) and was not prepared for training: "
                "its norms stay in 16 bits, and gradient checkpointing is not set up.",
                help="Call prepare_model_for_kbit_training(base) first.",
                also=(load.span,),
            )


def _prepares(call: Call, model: Thing) -> bool:
    """Whether a call prepares a model, does a part of it by hand, or may do so."""
    if call.name.startswith("peft.prepare_model_for_"):
        return model in call.things.values()
    if call.name.startswith("=") or call.name == ".requires_grad_":
        return of(call, model) and call.name in ("=data", "=requires_grad", ".requires_grad_")
    return is_unknown(call, model)


_PREPARING = (
    ".enable_input_require_grads",
    ".register_forward_hook",
    ".gradient_checkpointing_enable",
)
