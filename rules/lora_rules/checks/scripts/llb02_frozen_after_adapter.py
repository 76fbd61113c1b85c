"""Rule LLB02, frozen-after-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    comes_before,
    frees,
    freezes,
    trainable_adapters,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB02",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "After each of the three no parameter requires a gradient; the backward pass and "
            "the optimizer raise."
        ),
        PEFT_SOURCE.says(
            "prepare_model_for_kbit_training sets requires_grad to False on every parameter of "
            "the model."
        ),
    ],
    calls=("get_peft_model", "peft.PeftModel", "peft.AutoPeftModel"),
)
def frozen_after_adapter(program: Program) -> Iterator[Problem]:
    """The whole model is frozen after the adapter was added.

    ## What it checks
    After `get_peft_model`, or after an adapter is loaded with `is_trainable=True`, a call that
    freezes the whole model, which is then trained with nothing freed in between.

    - Freezing: `prepare_model_for_kbit_training(model)`, `model.requires_grad_(False)`, or a loop
      that sets `requires_grad = False` on every parameter without a test.

    ## Why it matters
    All three freeze LoRA's own matrices with the rest, and PEFT does not warn. The backward pass
    raises "element 0 of tensors does not require grad", or an optimizer over what is trainable gets
    an empty list and raises ValueError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    model = prepare_model_for_kbit_training(model)  # LLB02: prepare_model_for_kbit_training(model)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    base = prepare_model_for_kbit_training(base)
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for wrap in trainable_adapters(calls):
        if wrap.made is None:
            continue
        freezing = [calls[place] for place in calls.places(_freezes, wrap.made)]
        for training in trainings(calls, wrap.made):
            for call in freezing:
                if call.span in reported or not wrap.certain_after(call):
                    continue
                if not comes_before(calls, wrap, call, training.start):
                    continue
                if not calls.any_between(frees, wrap.made, call, training.start):
                    reported.add(call.span)
                    yield Problem(
                        call.span,
                        f"this freezes the adapter that was added at line {wrap.span.line}: "
                        "nothing is left to train.",
                        help="Freeze or prepare the base model before that.",
                        also=(wrap.span,),
                    )


def _freezes(call: Call, model: Thing) -> bool:
    if call.name.startswith("peft.prepare_model_for_"):
        return call.made == model
    return freezes(call, model)
