"""Rule LLB36, configuration-given-to-nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes
from lora_rules.checks.scripts.calls import argument, base_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call

_QUANTIZES = {"quantization_config", "load_in_4bit", "load_in_8bit"}


@rule(
    "LLB36",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A trainer without peft_config leaves every parameter of a model that nobody wrapped "
            "trainable."
        )
    ],
)
def configuration_given_to_nothing(program: Program, outline: Outline) -> Iterator[Problem]:
    """A LoraConfig is made and given to nothing, so the whole model is trained.

    ## What it checks
    A `LoraConfig` that is assigned to a name which the file never reads, or to none, beside a
    trainer that trains a model without an adapter.

    - Left out where the model may be quantized: LLB06 is about that.

    ## Why it matters
    A configuration does nothing by itself. Without `get_peft_model` or `peft_config` every
    parameter of the model is trained, and the whole model is saved: no adapter.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")  # LLB36
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model=model, args=args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    When the whole model is to be trained, and the configuration was left over.

    ## Options
    None.
    """
    calls = program.calls
    config = calls.configuration(outline.span)
    if config is None or config.name != "peft.LoraConfig" or config.used:
        return
    for trainer in calls.trainers():
        if config.certain_after(trainer) and _trains_everything(calls, trainer):
            yield Problem(
                config.span,
                "this is given to nothing: without an adapter, the trainer of line "
                f"{trainer.span.line} trains the whole model.",
                help="Give it to the trainer (peft_config=) or to get_peft_model.",
                also=(trainer.span,),
            )
            return


def _trains_everything(calls: Calls, trainer: Call) -> bool:
    load = base_load(calls, trainer.things.get("model"))
    if not trainer.name.startswith(("transformers.", "trl.")) or trainer.made is None:
        return False
    if load is None or not load.complete or load.arguments.keys() & _QUANTIZES:
        return False
    if argument(trainer, "peft_config", None) is not None:
        return False
    started = any(call.name == ".train" for call in calls.touching(trainer.made))
    return started and adapter_changes(calls, trainer, "model") == [None]
