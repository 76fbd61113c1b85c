"""Rule LLB39, adalora-never-allocates."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    Training,
    adapted,
    argument,
    is_unknown,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB39",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After 8 steps of Trainer every layer of an AdaLoraConfig with init_r=6 and target_r=2 "
            "has rank 6; with a callback that calls update_and_allocate, 2 on average."
        ),
        PEFT_SOURCE.says(
            "update_and_allocate should be called in every training step after loss.backward() "
            "and before zero_grad(); nothing in PEFT, transformers or TRL calls it."
        ),
    ],
    calls=("AdaLoraConfig",),
)
def adalora_never_allocates(program: Program, outline: Outline) -> Iterator[Problem]:
    """AdaLoRA is trained and nothing calls `update_and_allocate`, so no rank is ever taken away.

    ## What it checks
    A model with an `AdaLoraConfig` that is trained, by a trainer of transformers or TRL or in a
    loop of the script, in a program that never calls `update_and_allocate`.

    - Left out where the trainer has callbacks, or something unknown is given the model.

    ## Why it matters
    AdaLoRA begins with `init_r` and takes ranks away until `target_r` are left on average. PEFT
    does this in `update_and_allocate(step)` only, and neither transformers nor TRL calls it: every
    layer keeps `init_r`, `target_r`, `tinit`, `tfinal` and `deltaT` have no effect.

    ## Bad
    ```python
    from peft import AdaLoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = AdaLoraConfig(init_r=12, target_r=8, total_step=1000, tinit=100, tfinal=200)  # LLB39
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=1e-3, max_steps=1000)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import AdaLoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments


    class Allocate(TrainerCallback):
        def on_optimizer_step(self, args, state, control, model=None, **kwargs):
            model.base_model.update_and_allocate(state.global_step)


    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = AdaLoraConfig(init_r=12, target_r=8, total_step=1000, tinit=100, tfinal=200)
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=1e-3, max_steps=1000)
    trainer = Trainer(model=model, args=args, train_dataset=load(), callbacks=[Allocate()])
    trainer.train()
    ```

    ## When to ignore it
    When the ranks shall stay as they are; LoRA then does the same for less.

    ## Options
    None.
    """
    calls = program.calls
    config = calls.configuration(outline.span)
    if config is None or config.name != "peft.AdaLoraConfig" or not _takes_ranks_away(config):
        return
    if calls.last_named("update_and_allocate"):
        return
    for _, model in adapted(calls, outline.span):
        for training in trainings(calls, model):
            if not _may_allocate(calls, training):
                yield Problem(
                    config.span,
                    "nothing calls update_and_allocate: every layer keeps its first rank, init_r"
                    f"{_of(config)}.",
                    help="Call model.base_model.update_and_allocate(step) after each backward "
                    "pass, with a trainer in a callback's on_optimizer_step.",
                    also=(training.setup.span,),
                )
                return


def _takes_ranks_away(config: Call) -> bool:
    """Whether there is something to take away, for all that is known."""
    first, last = argument(config, "init_r", 12), argument(config, "target_r", 8)
    return not (isinstance(first, int) and isinstance(last, int) and first <= last)


def _of(config: Call) -> str:
    first = argument(config, "init_r", 12)
    return "" if first is UNKNOWN else f" = {first}"


def _may_allocate(calls: Calls, training: Training) -> bool:
    """Whether something that is not seen may call it."""
    setup = training.setup
    if calls.places(is_unknown, training.model):
        return True
    if not setup.name.endswith("Trainer"):
        return False
    if not setup.name.startswith(("transformers.", "trl.")) or setup.made is None:
        return True
    if not setup.complete or "callbacks" in setup.arguments:
        return True
    return bool(calls.places(_brings_a_callback, setup.made))


def _brings_a_callback(call: Call, trainer: Thing) -> bool:
    return is_unknown(call, trainer) or call.name == ".add_callback"
