"""Rule LLB31, base-given-to-trainer."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import argument, has_effect, of, trains
from lora_rules.engine.effects import ADDS, SAVES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_LORA = ("peft.LoraConfig", "peft.AdaLoraConfig")


@rule(
    "LLB31",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A Trainer that is given the base after get_peft_model saves a whole model under "
            "PEFT's names: no adapter file, and the adapted layers are drawn anew on loading."
        )
    ],
    calls=("get_peft_model",),
)
def base_given_to_trainer(program: Program) -> Iterator[Problem]:
    """The trainer is given the base model, and not what `get_peft_model` returned.

    ## What it checks
    A trainer of transformers or TRL, without a `peft_config`, that trains the model which was given
    to `get_peft_model` before, while the PeftModel is neither used nor saved.

    ## Why it matters
    `get_peft_model` puts LoRA into the layers of the model that it is given, so this one is trained
    too. But it is no PeftModel: every checkpoint is a whole model whose adapted layers are
    called `q_proj.base_layer.weight`. There is no `adapter_config.json`, and `from_pretrained`
    leaves those layers at random values.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    lora_model = get_peft_model(model, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=model, args=args, train_dataset=load())  # LLB31
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    lora_model = get_peft_model(model, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=lora_model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When nothing that the trainer saves is used.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        model = trainer.things.get("model")
        if model is None or model.part or model.wrapped or not _is_libraries(trainer):
            continue
        wraps = only(adapter_changes(calls, trainer, "model"), ADDS)
        if not wraps or not all(_is_lora(calls, wrap) for wrap in wraps):
            continue
        started = trainer.made is not None and calls.places(trains, trainer.made)
        if started and not calls.any_between(_saves_wrapped, model, trainer, None):
            yield Problem(
                trainer.span,
                f"this is the base model, with the adapter of line {wraps[0].span.line} inside: "
                "what the trainer saves is a whole model under PEFT's names, which neither "
                "from_pretrained nor PEFT reads.",
                help="Give the trainer what get_peft_model returned.",
                also=(wraps[0].span,),
            )


def _is_libraries(trainer: Call) -> bool:
    with_config = argument(trainer, "peft_config", None) is not None
    return trainer.name.startswith(("transformers.", "trl.")) and not with_config


def _is_lora(calls: Calls, wrap: Call) -> bool:
    if wrap.name != "peft.get_peft_model":
        return wrap.name.endswith(".get_peft_model")
    config = calls.maker(wrap.things.get("peft_config"))
    return config is not None and config.name in _LORA


def _saves_wrapped(call: Call, model: Thing) -> bool:
    return has_effect(call, SAVES) and of(call, model) and bool(call.on and call.on.wrapped)
