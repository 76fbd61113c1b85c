"""Rule LL504, kbit-prepare-missing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    adapted,
    base_load,
    checkpointing,
    is_unknown,
    of,
    quantized,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import QLORA_GUIDE, RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LL504",
    Severity.INFO,
    evidence=[
        SCRIPT_RUNS.says(
            "An unprepared 4-bit base is trained, with gradient checkpointing and without; "
            "norms, embedding and head stay bfloat16."
        ),
        QLORA_GUIDE.says(
            "Call prepare_model_for_kbit_training to preprocess the quantized model for training."
        ),
        RELEASES_READ.disagrees("SFTTrainer of TRL calls no preparation since 0.26.0."),
    ],
    calls=("get_peft_model",),
)
def kbit_prepare_missing(program: Program, outline: Outline) -> Iterator[Problem]:
    """A quantized base gets LoRA and is trained without being prepared for it.

    ## What it checks
    A model that is certainly loaded in 4 or 8 bits, `get_peft_model`, and transformers' `Trainer`
    or a loop of the script's own, without `prepare_model_for_kbit_training`.

    - Not checked: trainers of TRL, and scripts that call `enable_input_require_grads`,
      `gradient_checkpointing_enable` or anything unknown on the model.

    ## Why it matters
    Training works without it. The preparation casts all that is not quantized to float32 (norms,
    embedding and head) and turns gradient checkpointing on; without it these stay in 16 bits, and
    checkpointing is what the arguments say. TRL's trainers have prepared nothing since 0.26.

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
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, bf16=True)
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
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, bf16=True)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When norms in 16 bits are meant, as in TRL, and checkpointing is set as it should be.

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
        setups = [each.setup for each in trainings(calls, model)]
        own = [each for each in setups if not each.name.startswith("trl.")]
        if own:
            without = any(_checkpoints_nothing(calls, each) for each in own)
            yield Problem(
                use.span,
                f"the base is quantized (line {load.span.line}) and was not prepared for training: "
                "its norms, embedding and head stay in 16 bits"
                + (", and gradient checkpointing is off." if without else "."),
                help="Call prepare_model_for_kbit_training(base) first, which makes them float32"
                + (" and turns checkpointing on." if without else "."),
                also=(load.span,),
            )


def _checkpoints_nothing(calls: Calls, setup: Call) -> bool:
    """Whether a training certainly runs without gradient checkpointing."""
    if not setup.name.endswith("Trainer"):
        return True
    arguments = calls.maker(setup.things.get("args"))
    return arguments is not None and checkpointing(arguments) is False


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
