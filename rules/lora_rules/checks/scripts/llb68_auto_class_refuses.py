"""Rule LLB68, auto-class-refuses."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import UNKNOWN, argument, is_loaded_model, of
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_PREFIX = "peft.AutoPeftModel"
_CLASSES = {
    "CAUSAL_LM": "ForCausalLM",
    "SEQ_2_SEQ_LM": "ForSeq2SeqLM",
    "SEQ_CLS": "ForSequenceClassification",
    "TOKEN_CLS": "ForTokenClassification",
    "QUESTION_ANS": "ForQuestionAnswering",
    "FEATURE_EXTRACTION": "ForFeatureExtraction",
}


@rule(
    "LLB68",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "AutoPeftModel compares its class with task_type, and without one needs auto_mapping, "
            "which only get_peft_model writes."
        ),
        SCRIPT_RUNS.says('AutoPeftModelForCausalLM raises "Cannot infer the auto class".'),
    ],
    of_records=True,
    calls=("save_model", "save_pretrained"),
)
def auto_class_refuses(program: Program) -> Iterator[Problem]:
    """An AutoPeftModel class refuses the adapter that the script has saved.

    ## What it checks
    `AutoPeftModel….from_pretrained` is given the folder in which the same script saved an adapter.

    - The adapter's `task_type` belongs to another class.
    - It has none, and `model.add_adapter` of transformers added it.

    ## Why it matters
    The class of the base model comes from the adapter's configuration. With another `task_type`
    PEFT raises ValueError, "Expected target PEFT class". Without one it needs `auto_mapping`, which
    `get_peft_model` writes and `add_adapter` does not: "Cannot infer the auto class".

    ## Bad
    ```python
    from peft import AutoPeftModelForCausalLM, LoraConfig
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model.add_adapter(LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    args = TrainingArguments("out", learning_rate=2e-4, max_steps=500)
    trainer = Trainer(model, args, train_dataset=load())
    trainer.train()
    trainer.save_model("my-adapter")
    model = AutoPeftModelForCausalLM.from_pretrained("my-adapter")  # LLB68: "my-adapter"
    ```

    ## Good
    ```python
    from peft import AutoPeftModelForCausalLM, LoraConfig
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model.add_adapter(lora)
    args = TrainingArguments("out", learning_rate=2e-4, max_steps=500)
    trainer = Trainer(model, args, train_dataset=load())
    trainer.train()
    trainer.save_model("my-adapter")
    model = AutoPeftModelForCausalLM.from_pretrained("my-adapter")
    ```

    ## When to ignore it
    When something else writes the folder in between.

    ## Options
    None.
    """
    calls = program.calls
    for load in calls.last_named("from_pretrained"):
        if not load.name.startswith(_PREFIX) or "config" in load.arguments:
            continue
        folder = load.arguments.get("model_id")
        saved = _saved(calls, load)
        added = _added(calls, saved) if saved is not None else None
        if folder is None or saved is None or added is None:
            continue
        config, injected = added
        task = argument(config, "task_type", None) if config.complete else UNKNOWN
        wanted = load.name.removeprefix(_PREFIX).removesuffix(".from_pretrained")
        if task is None and injected:
            message = (
                f"line {saved.span.line} saves an adapter without task_type, which add_adapter "
                'added: PEFT raises "Cannot infer the auto class".'
            )
            advice = "Give LoraConfig a task_type, or load the base and add PeftModel to it."
        elif task in _CLASSES and _CLASSES[str(task)] != wanted:
            message = f"line {saved.span.line} saves an adapter of task_type {task}: ValueError."
            advice = f"Use AutoPeftModel{_CLASSES[str(task)]}."
        else:
            continue
        yield Problem(folder.span, message, help=advice, also=(config.span,))


def _saved(calls: Calls, load: Call) -> Call | None:
    """The last call that certainly saved something into the folder that is loaded."""
    folder = _path(argument(load, "model_id", None))
    end = calls.position(load)
    before = [
        call
        for name in ("save_pretrained", "save_model")
        for call in calls.last_named(name)
        if calls.position(call) < end and _path(_folder(calls, call)) == folder
    ]
    last = max(before, key=calls.position) if folder and before else None
    return last if last is not None and last.certain_after(load) else None


def _folder(calls: Calls, save: Call) -> object:
    """Where a call saves: a trainer that is told no folder takes its output_dir."""
    for name in ("0", "save_directory", "output_dir"):
        if name in save.arguments:
            return argument(save, name, None)
    trainer = calls.maker(save.on)
    args = calls.maker(trainer.things.get("args")) if trainer is not None else None
    return argument(args, "output_dir", None) if args is not None else None


def _path(value: object) -> str:
    return value.removeprefix("./").rstrip("/") if isinstance(value, str) else ""


def _added(calls: Calls, save: Call) -> tuple[Call, bool] | None:
    """The configuration of the one adapter that is saved; whether transformers put it in."""
    model = save.on
    if save.name == ".save_model":
        trainer = calls.maker(model)
        if (
            trainer is None
            or not trainer.name.endswith("Trainer")
            or "peft_config" in trainer.things
        ):
            return None
        model = trainer.things.get("model")
    if model is None or model.part:
        return None
    number = Thing(model.number)
    if calls.places(_merges, number):
        return None
    wraps = [
        call
        for call in calls.touching(number)
        if call.name in ("peft.get_peft_model", ".add_adapter", ".load_adapter")
        or call.name.startswith(("peft.PeftModel", "peft.AutoPeftModel"))
    ]
    if len(wraps) != 1 or not wraps[0].certain_after(save):
        return None
    injected = wraps[0].name == ".add_adapter"
    if injected and not any(
        is_loaded_model(call) and call.made is not None and call.made.number == number.number
        for call in calls.touching(number)
    ):
        return None
    names = ("adapter_config", "0") if injected else ("peft_config", "1")
    given = next((wraps[0].things[name] for name in names if name in wraps[0].things), None)
    config = calls.maker(given)
    if config is None or config.made is None or not config.name.startswith("peft."):
        return None
    return None if calls.places(_sets, config.made) else (config, injected)


def _merges(call: Call, model: Thing) -> bool:
    return of(call, model) and call.name in (".merge_and_unload", ".unload")


def _sets(call: Call, config: Thing) -> bool:
    return of(call, config) and call.name == "=task_type"
