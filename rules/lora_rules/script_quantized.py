"""Quantized base models in scripts: what has to be done to them, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    adapted,
    argument,
    base_load,
    before,
    certainly,
    has_own_code,
    is_loaded_model,
    is_unknown,
    of,
    pinned_below,
    quantized,
    trainings,
)
from lora_rules.evidence import PEFT_SOURCE, QLORA_GUIDE, SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.facts.held_revision import held_at_revision
from lora_rules.recipe import Call, Recipe, Thing
from lora_rules.rule import Problem, Severity, rule

Calls = tuple[Call, ...]


@rule("LL504", Severity.WARNING, evidence=[QLORA_GUIDE])
def kbit_prepare_missing(script: Recipe) -> Iterator[Problem]:
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
    calls = script.calls
    for use, model in adapted(script):
        load = base_load(calls, model)
        if use.name != "peft.get_peft_model" or load is None or quantized(calls, load) is None:
            continue
        if any(_prepares(call, model) for call in calls):
            continue
        if any(t.model == model and not t.setup.name.startswith("trl.") for t in trainings(calls)):
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
    return is_unknown(call, model) or call.name in _PREPARING


_PREPARING = (
    ".enable_input_require_grads",
    ".register_forward_hook",
    ".gradient_checkpointing_enable",
)


@rule("LL508", Severity.WARNING, evidence=[PEFT_SOURCE, SCRIPT_RUNS])
def merge_into_quantized(script: Recipe) -> Iterator[Problem]:
    """The adapter is merged into a quantized base.

    ## What it checks
    `merge_and_unload()` on a model that is certainly loaded in 4 or 8 bits.

    ## Why it matters
    The weights are unpacked, the adapter is added, and the sum is rounded to 4 or 8 bits again.
    A fine-tune's change is often smaller than a step of that rounding, so part of it is lost, and
    the merged model answers differently from the one that was evaluated. PEFT warns of "rounding
    errors" (transformers#31293, peft#2321, qlora#28).

    ## Bad
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    base = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()  # LL508: model.merge_and_unload()
    ```

    ## Good
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()
    ```

    ## When to ignore it
    When the merged model is measured, and good enough.

    ## Options
    None.
    """
    calls = script.calls
    for call in calls:
        load = base_load(calls, call.on) if call.name == ".merge_and_unload" else None
        if load is None or quantized(calls, load) is None or not load.certain_after(call):
            continue
        if not any(other.name == ".dequantize" and other.on == call.on for other in calls):
            yield Problem(
                call.span,
                f"the base is quantized (line {load.span.line}): merging rounds the sum to its few "
                "bits again, and part of what was trained is lost.",
                help="Load the base in 16 bits, load the adapter onto it, and merge there.",
                also=(load.span,),
            )


@rule("LLB06", Severity.ERROR, evidence=[TRANSFORMERS_SOURCE, SCRIPT_RUNS])
def quantized_without_adapter(script: Recipe) -> Iterator[Problem]:
    """A trainer gets a quantized model that has no adapter.

    ## What it checks
    A model that is certainly loaded in 4 or 8 bits goes to a trainer, and nothing gave it an
    adapter: no `get_peft_model`, no `PeftModel`, no `add_adapter`, no `peft_config`. Most often
    the LoraConfig is there and was not handed over.

    ## Why it matters
    transformers raises ValueError, "You cannot perform fine-tuning on purely quantized models",
    once the model has been downloaded and loaded (unsloth#1110, transformers#27702).

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
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048)
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
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    for trainer in calls:
        model = trainer.things.get("model")
        load = base_load(calls, model) if trainer.name.endswith("Trainer") else None
        if load is None or model is None or quantized(calls, load) is None:
            continue
        if not trainer.name.startswith(("transformers.", "trl.")) or not load.certain_after(
            trainer
        ):
            continue
        if argument(trainer, "peft_config", None) is not None or not load.certain_after(trainer):
            continue
        if not any(_may_adapt(call, model) for call in before(calls, trainer)):
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


@rule("LLB07", Severity.WARNING, evidence=[TRANSFORMERS_SOURCE])
def quantization_keyword_removed(script: Recipe) -> Iterator[Problem]:
    """`load_in_4bit` or `load_in_8bit` is given to a model, which transformers 5 refuses.

    ## What it checks
    `from_pretrained(..., load_in_4bit=...)` of a transformers model, whatever the value: an error
    where the repository or the notebook pins transformers 5, a warning where it pins none. Silent
    where it pins an older one, and with `trust_remote_code`.

    ## Why it matters
    Since transformers 5 the keyword is no longer taken out and reaches the model's constructor,
    which raises TypeError (transformers#41287). Version 4 read it, with fp4 and float32 as its
    silent companions.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        load_in_8bit=True,  # LLB07: True
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        quantization_config=BitsAndBytesConfig(load_in_8bit=True),
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    When transformers 4 is installed: pin it, and the linter knows.

    ## Options
    None.
    """
    for call in script.calls:
        if not is_loaded_model(call) or has_own_code(call):
            continue
        given = [name for name in ("load_in_4bit", "load_in_8bit") if name in call.arguments]
        older = pinned_below(script, "transformers", (5,)) if given else True
        if older is None and held_at_revision(script, "transformers"):
            continue
        if not older:
            name = next((n for n in given if certainly(call.arguments[n], True)), given[0])
            off = certainly(call.arguments[name], False)
            config = f"quantization_config=BitsAndBytesConfig({name}=...)"
            yield Problem(
                call.arguments[name].span,
                f"from_pretrained of transformers 5 raises TypeError for {name}"
                + (", and no older version is pinned." if older is None else "."),
                severity=Severity.ERROR if older is False else None,
                help="Leave it out." if off else f"Pass {config}.",
            )
