"""Rule LLB01, loaded-adapter-is-frozen."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    adapter_loads,
    argument,
    comes_before,
    frees,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call


@rule(
    "LLB01",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says("Which orders of calls raise, train nothing, or lose what they trained."),
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
        ),
    ],
)
def loaded_adapter_is_frozen(program: Program) -> Iterator[Problem]:
    """A trained adapter is loaded without `is_trainable=True`, and then trained.

    ## What it checks
    `PeftModel.from_pretrained(...)` (or `AutoPeftModelForCausalLM`) whose model goes to a trainer
    or an optimizer that is then run, while nothing in between frees a parameter.

    ## Why it matters
    PEFT loads an adapter for inference unless it is told otherwise: no parameter requires a
    gradient. Most runs stop at the first backward pass with "element 0 of tensors does not
    require grad"; a loop that trains something else beside it goes on and leaves the adapter as
    it was (peft#1340, #282; alpaca-lora#352).

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")  # LLB01
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter", is_trainable=True)
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for load in adapter_loads(calls):
        if load.made is None or argument(load, "is_trainable", False) is not False:
            continue
        for training in trainings(calls, load.made):
            if _stays_frozen(calls, load, training):
                yield Problem(
                    load.span,
                    "the adapter is loaded for inference, so none of it is trained at line "
                    f"{training.start.span.line}: the backward pass fails, or changes nothing.",
                    help="Pass is_trainable=True.",
                    also=(training.start.span,),
                )
                break


def _stays_frozen(calls: Calls, frozen: Call, training: Training) -> bool:
    """Whether a model that one call froze is certainly still frozen when it is trained."""
    if training.setup.things.get("peft_config") is not None:
        return False
    if not comes_before(calls, frozen, training.start) or not frozen.certain_after(training.start):
        return False
    return not calls.any_between(frees, training.model, frozen, training.start)
