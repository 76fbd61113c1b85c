"""Rule LLB48, added-adapter-resumed."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes
from lora_rules.checks.scripts.calls import argument, base_load, comes_before
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import ADDED_RESUMED, SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call


@rule(
    "LLB48",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "A checkpoint of a model with add_adapter holds the adapter alone; the Trainer of "
            "transformers 5.24 looks for a whole model in it, and raises ValueError."
        ),
        ADDED_RESUMED.says(
            "_load_from_checkpoint loads an adapter into a PeftModel alone, in the eight releases."
        ),
    ],
    calls=("add_adapter",),
)
def added_adapter_resumed(program: Program) -> Iterator[Problem]:
    """Training with `model.add_adapter` is resumed, and the Trainer cannot load its checkpoint.

    ## What it checks
    `trainer.train(resume_from_checkpoint=...)`, True or a path, for a model of transformers that
    got its adapter with `model.add_adapter`, and is no PeftModel.

    ## Why it matters
    The checkpoint holds the adapter alone, and the Trainer loads one only into a PeftModel. For any
    other model it looks for all weights, and raises "Can't find a checkpoint index".

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model.add_adapter(lora)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train(resume_from_checkpoint=True)  # LLB48: True
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train(resume_from_checkpoint=True)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        if not trainer.name.startswith(("transformers.", "trl.")) or trainer.made is None:
            continue
        if base_load(calls, trainer.things.get("model")) is None:
            continue
        added = adapter_changes(calls, trainer, "model")
        if not all(map(_is_injected, added)):
            continue
        for start in calls.touching(trainer.made):
            if start.name != ".train" or not comes_before(calls, trainer, start):
                continue
            name = "resume_from_checkpoint" if "resume_from_checkpoint" in start.arguments else "0"
            resumed = argument(start, name, None)
            if resumed is True or (isinstance(resumed, str) and resumed):
                yield Problem(
                    start.arguments[name].span or start.span,
                    "the checkpoint holds the adapter of add_adapter alone, which the Trainer "
                    "loads only into a PeftModel: ValueError.",
                    help="Wrap the model with get_peft_model, which writes the same adapter.",
                    also=tuple(call.span for call in added if call is not None),
                )


def _is_injected(added: Call | None) -> bool:
    """Whether an adapter was put into a model that is no PeftModel."""
    if added is None or added.name != ".add_adapter":
        return False
    return added.on is not None and not added.on.wrapped
