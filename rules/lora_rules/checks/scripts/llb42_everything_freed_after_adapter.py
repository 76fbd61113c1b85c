"""Rule LLB42, everything-freed-after-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    argument_is,
    base_load,
    comes_before,
    freezes,
    is_unknown,
    of,
    quantized,
    sets_all,
    trainable_adapters,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB42",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After requires_grad = True on every parameter a step changes the base's weights, and "
            "save_pretrained writes LoRA's alone; on a 4-bit base the assignment raises."
        )
    ],
    calls=("requires_grad_", "=requires_grad"),
)
def everything_freed_after_adapter(program: Program) -> Iterator[Problem]:
    """Every parameter is made trainable after the adapter was added, the base's with LoRA's.

    ## What it checks
    After `get_peft_model`, or after an adapter is loaded with `is_trainable=True`, a call of
    `model.requires_grad_(True)` or a loop that sets `requires_grad = True` on every parameter, on a
    model that is then trained and saved as an adapter.

    - Left out under a test, where something is frozen in between, and where the adapter is merged
      before the model is saved, which saves everything.
    - An error on a model that is certainly quantized.

    ## Why it matters
    The whole base is trained, with the memory that this takes, and what is saved is the adapter
    alone: on the base as it was it does not give the model that was trained. Quantized weights are
    integers, and raise RuntimeError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    for parameter in model.parameters():
        parameter.requires_grad = True  # LLB42: parameter.requires_grad
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When what is saved is not used.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for wrap in trainable_adapters(calls):
        model = wrap.made
        if model is None:
            continue
        freeing = [calls[place] for place in calls.places(_frees_all, model)]
        for training in trainings(calls, model):
            for call in freeing:
                if call.span in reported or not wrap.certain_after(call):
                    continue
                if not comes_before(calls, wrap, call, training.start):
                    continue
                if _may_freeze_again(calls, call, training) or not _saves_adapter(calls, training):
                    continue
                reported.add(call.span)
                yield _problem(calls, wrap, call)


def _problem(calls: Calls, wrap: Call, call: Call) -> Problem:
    load = base_load(calls, wrap.made)
    raises = load is not None and quantized(calls, load) is not None
    return Problem(
        call.span,
        "the quantized weights are integers, which cannot require a gradient: RuntimeError."
        if raises
        else f"this makes the whole base trainable, which was frozen at line {wrap.span.line}; "
        "what is saved is the adapter alone.",
        severity=Severity.ERROR if raises else None,
        help="Leave it out: the adapter is trainable already.",
        also=(wrap.span,),
    )


def _frees_all(call: Call, model: Thing) -> bool:
    return sets_all(call, model, requires_grad=True)


def _may_freeze_again(calls: Calls, call: Call, training: Training) -> bool:
    return calls.any_between(_may_freeze, training.model, call, training.start)


def _may_freeze(call: Call, model: Thing) -> bool:
    if is_unknown(call, model) or freezes(call, model):
        return True
    if of(call, model) and call.name in (".requires_grad_", "=requires_grad"):
        given = call.arguments.get("value") or call.arguments.get("0")
        return given is not None and not argument_is(given, True)
    return of(call, model) and call.name in (".set_adapter", ".enable_adapters", ".apply")


def _saves_adapter(calls: Calls, training: Training) -> bool:
    """Whether the adapter is saved, by a trainer or the script, and nothing else of the model."""
    if calls.any_between(_saves_all, training.model, training.start, None):
        return False
    if training.setup.name.startswith(("transformers.", "trl.")):
        return True
    return calls.any_between(_saves, training.model, training.start, None)


def _saves(call: Call, model: Thing) -> bool:
    saves = call.name in (".save_pretrained", ".push_to_hub")
    return saves and call.on == model and bool(call.on and call.on.wrapped)


def _saves_all(call: Call, model: Thing) -> bool:
    if of(call, model):
        return call.name in (".merge_and_unload", ".merge_adapter", ".state_dict")
    return is_unknown(call, model)
