"""Rule LLB12, sharded-adapter-saved-by-hand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from lora_rules.checks.scripts.calls import first_argument, peft_wraps
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.unknown import Unknown
from lora_rules.evidence import RELEASES_READ, ZERO_ISSUES
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing
from lora_rules.repository import Repository


@rule(
    "LLB12",
    Severity.WARNING,
    evidence=[
        ZERO_ISSUES.says(
            "ZeRO-3 sets an empty size to a parameter object and keeps the data in a different "
            "attribute; save_pretrained then writes an incorrect adapter file."
        ),
        RELEASES_READ.says(
            "Trainer.save_model consolidates the parameters that are trained under ZeRO-3 before "
            "it saves, since transformers 5.0."
        ),
    ],
    calls=("save_pretrained",),
)
def sharded_adapter_saved_by_hand(program: Program, repository: Repository) -> Iterator[Problem]:
    """Under ZeRO-3 the adapter is saved with the model's own `save_pretrained`.

    ## What it checks
    Training arguments whose `deepspeed` has stage 3, as a dictionary or in a JSON file that lies
    there, and `save_pretrained` on the model after training.

    - Not checked: a `save_pretrained` with a `state_dict` of its own, or in a script that uses
      `GatheredParameters`.

    ## Why it matters
    Under ZeRO-3 a parameter object has size 0, and its data lie in slices elsewhere.
    `save_pretrained` writes the object, so the adapter on disk holds nothing (peft#939,
    DeepSpeed#4295). `trainer.save_model` gathers first, since transformers 5; older versions do so
    with `stage3_gather_16bit_weights_on_model_save` alone, and else write an empty adapter
    (trl#4416).

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    zero = {"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": "auto"}
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, deepspeed=zero)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    model.save_pretrained("adapter")  # LLB12: model.save_pretrained("adapter")
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    zero = {"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": "auto"}
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4, deepspeed=zero)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    trainer.save_model("adapter")
    ```

    ## When to ignore it
    When the parameters are gathered by other means.

    ## Options
    None.
    """
    calls = program.calls
    models = {wrap.made for wrap in peft_wraps(calls)}
    gathered = max(calls.where(_gathers), default=-1)
    for trainer in calls.trainers():
        model = trainer.things.get("model")
        args = calls.maker(trainer.things.get("args"))
        if args is None or model is None or model not in models:
            continue
        if not _is_stage_three(_deepspeed(calls, args, repository)):
            continue
        if gathered > calls.position(trainer):
            continue
        saves = calls.places(_saves, model)
        for place in saves[bisect_right(saves, calls.position(trainer)) :]:
            yield Problem(
                calls[place].span,
                "under ZeRO-3 the model's parameters are empty, their data lie elsewhere, and "
                "save_pretrained writes an empty adapter.",
                help="Use trainer.save_model(...), which gathers the parameters first.",
                also=(args.span,),
            )


def _deepspeed(calls: Calls, args: Call, repository: Repository) -> object:
    """The configuration of DeepSpeed: as written, of a file by its path, or that was read."""
    given = args.arguments.get("deepspeed")
    if given is None:
        return None
    path = given.value if given.known else _loaded(calls, args.things.get("deepspeed"))
    if not isinstance(path, str):
        return path
    try:
        return repository.document(path)
    except Unknown:
        return None


def _loaded(calls: Calls, thing: Thing | None) -> object:
    """The path of ``json.load(open(path))``."""
    read = calls.maker(thing)
    if read is None or read.name != "json.load":
        return None
    file = calls.maker(read.things.get("0") or read.things.get("fp"))
    if file is None or file.name != "builtins.open":
        return None
    return first_argument(file, "file")


def _gathers(call: Call) -> bool:
    return call.name.endswith("GatheredParameters")


def _saves(call: Call, model: Thing) -> bool:
    saves = call.name == ".save_pretrained" and call.on == model
    return saves and "state_dict" not in call.arguments


def _is_stage_three(zero: object) -> bool:
    stage = zero.get("zero_optimization") if isinstance(zero, dict) else None
    return isinstance(stage, dict) and stage.get("stage") == 3
