"""Rule LLB01, loaded-adapter-is-frozen."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    all_trainings,
    argument,
    does,
    excludes,
    frees,
    is_adapter_load,
)
from lora_rules.engine.effects import ADDS, LOADS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB01",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "A loaded adapter requires no gradient: the backward pass raises, and with a "
            "trained head beside it only the head changes."
        ),
        PEFT_SOURCE.says(
            "is_trainable defaults to False: the adapter is frozen and can only be used for "
            "inference."
        ),
    ],
    calls=("peft.PeftModel", "peft.AutoPeftModel"),
)
def loaded_adapter_is_frozen(program: Program) -> Iterator[Problem]:
    """A trained adapter is loaded without `is_trainable=True`, and then trained.

    ## What it checks
    `PeftModel.from_pretrained(...)` (or `AutoPeftModelForCausalLM`) without `is_trainable=True`,
    whose model goes to a trainer or an optimizer that is then run, while nothing in between frees a
    parameter.

    - An error where it is loaded on every way to the training, a warning where it is on some.
    - Left out where training is under a test that the loading is not under.

    ## Why it matters
    PEFT loads an adapter for inference by default: no parameter requires a gradient. The backward
    pass raises "element 0 of tensors does not require grad"; a loop that trains something else
    beside it goes on and leaves the adapter as it was.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")  # LLB01
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter", is_trainable=True)
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
    for training in all_trainings(calls):
        if training.setup.things.get("peft_config") is not None:
            continue
        before = calls.last(training.setup.histories.get(_role(training)), _loads_or_wraps)
        loads = [call for call in before if call is not None and _loads_frozen(call)]
        always = len(loads) == len(before)
        for load in loads:
            if load.span in reported or not (always or _may_follow(load, training)):
                continue
            if _is_freed(calls, load, training):
                continue
            reported.add(load.span)
            if always:
                yield _frozen(load, training, "")
            else:
                yield _frozen(load, training, "where this is done, ")


def _frozen(load: Call, training: Training, when: str) -> Problem:
    line = training.start.span.line
    return Problem(
        load.span,
        f"{when}the adapter is loaded for inference, so none of it is trained at line {line}: "
        "the backward pass fails, or changes nothing.",
        severity=Severity.WARNING if when else None,
        help="Pass is_trainable=True.",
        also=(training.start.span,),
    )


def _role(training: Training) -> str:
    """As which argument the trainer or optimizer is given the model."""
    number = training.model.number
    things = training.setup.things.items()
    return next((role for role, thing in things if thing.number == number), "")


def _loads_or_wraps(call: Call, model: Thing) -> bool:
    return does(call, model, ADDS, LOADS) and not call.name.startswith(".")


def _is_freed(calls: Calls, load: Call, training: Training) -> bool:
    """Whether something may free a parameter after the adapter is loaded, on the same way."""
    start, end = calls.position(load), calls.position(training.start)
    return any(
        start < place < end and not excludes(calls[place], load)
        for model in (load.made, training.model)
        if model is not None
        for place in calls.places(frees, model)
    )


def _loads_frozen(call: Call) -> bool:
    return is_adapter_load(call) and argument(call, "is_trainable", False) is False


def _may_follow(load: Call, training: Training) -> bool:
    """Whether training begins under no test but those that the loading is under, too."""
    arms = [arm for arm in training.start.branch if arm > 0]
    return all(arm in load.branch for arm in arms)
