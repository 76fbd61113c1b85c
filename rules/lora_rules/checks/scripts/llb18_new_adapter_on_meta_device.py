"""Rule LLB18, new-adapter-on-meta-device."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument_is,
    frees,
    peft_wraps,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Program, any_within
from lora_rules.recipe import Call


@rule(
    "LLB18",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "All weights of a new adapter are on the meta device, and a step raises RuntimeError."
        ),
        PEFT_SOURCE.says(
            "low_cpu_mem_usage creates empty adapter weights on meta device, to speed up the "
            "process when loading saved adapters."
        ),
    ],
    calls=("get_peft_model",),
)
def new_adapter_on_meta_device(program: Program) -> Iterator[Problem]:
    """A new adapter is made with `low_cpu_mem_usage=True`, which leaves it without weights.

    ## What it checks
    `get_peft_model(..., low_cpu_mem_usage=True)` on a model that is then trained, with no adapter
    loaded into it in between.

    ## Why it matters
    The option is for loading an adapter: its weights are made on the meta device and filled from
    the file. A new adapter has no file, its matrices stay empty, and the first forward or backward
    pass raises RuntimeError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora, low_cpu_mem_usage=True)  # LLB18: True
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
    When the script fills the weights itself.

    ## Options
    None.
    """
    calls = program.calls
    for wrap in peft_wraps(calls):
        given = wrap.arguments.get("low_cpu_mem_usage")
        if given is None or not argument_is(given, True) or wrap.made is None:
            continue
        for training in trainings(calls, wrap.made):
            start, end = calls.position(wrap), calls.position(training.start)
            if start > end or any_within(calls.where(_may_fill), start, end):
                continue
            if not calls.any_between(frees, wrap.made, wrap, training.start):
                yield Problem(
                    given.span,
                    "a new adapter made with low_cpu_mem_usage=True has no weights: training "
                    "raises RuntimeError.",
                    help="Leave it out; it is for loading an adapter.",
                    also=(training.start.span,),
                )
                break


def _may_fill(call: Call) -> bool:
    """Whether it may give an adapter its weights, as ``initialize_lora_eva_weights`` does."""
    if call.name.startswith("peft.") and bool(call.things):
        return True
    return call.name in _FILLING or "state_dict" in call.name


_FILLING = (".to_empty", ".load_adapter", ".to", ".apply", ".init_weights")
