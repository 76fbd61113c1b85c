"""Rule LLB14, checkpointing-without-input-grads."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    UNKNOWN,
    argument_is,
    base_load,
    checkpointing,
    checkpointing_kwargs,
    comes_before,
    has_own_code,
    is_unknown,
    of,
    peft_wraps,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Setting, Span, Thing


@rule(
    "LLB14",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "Reentrant checkpoints of a vision model give LoRA no gradient; with a trained head "
            "the run goes on, without one the backward pass raises."
        ),
        RELEASES_READ.says(
            "The default of transformers 4.57.1 is use_reentrant True, that of 5.0 to 5.24 False."
        ),
    ],
    calls=("get_peft_model",),
)
def checkpointing_without_input_grads(
    program: Program, pinned_transformers: VersionRange = ANY, pinned_trl: VersionRange = ANY
) -> Iterator[Problem]:
    """Reentrant gradient checkpointing of a LoRA whose inputs require no gradient.

    ## What it checks
    transformers' `Trainer` with gradient checkpointing that is reentrant, on a model from
    `get_peft_model` whose inputs require no gradient.

    - Reentrant: `use_reentrant=True` for a vision model; for any model the default of transformers
      4, where the repository pins it.
    - Also where it is set later, `args.gradient_checkpointing = True`, and under the SFTTrainer
      of TRL pinned below 0.20, which leaves a PeftModel as it is.
    - Not checked: after `enable_input_require_grads()` or `prepare_model_for_kbit_training`, other
      trainers of TRL, those of Unsloth, models with code of their own.

    ## Why it matters
    A reentrant checkpoint passes gradients on only if one of its inputs requires one. With the
    embedding frozen none does: LoRA's matrices get no gradient. Where a head is trained beside
    them, the run goes on and trains the head alone; else the backward pass raises "element 0 of
    tensors does not require grad". transformers 5 checkpoints without reentry and sets the hook for
    models that take `input_ids`.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageClassification, Trainer, TrainingArguments

    base = AutoModelForImageClassification.from_pretrained("google/vit-base-patch16-224")
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["classifier"]
    )
    model = get_peft_model(base, lora)
    args = TrainingArguments(
        "out",
        num_train_epochs=1,
        learning_rate=2e-4,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": True},  # LLB14: {"use_reentrant": True}
    )
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageClassification, Trainer, TrainingArguments

    base = AutoModelForImageClassification.from_pretrained("google/vit-base-patch16-224")
    lora = LoraConfig(
        r=16, lora_alpha=32, target_modules="all-linear", modules_to_save=["classifier"]
    )
    model = get_peft_model(base, lora)
    args = TrainingArguments(
        "out",
        num_train_epochs=1,
        learning_rate=2e-4,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for wrap in peft_wraps(calls):
        for training in trainings(calls, wrap.made):
            if not _leaves_the_model(training.setup, pinned_trl):
                continue
            args = calls.maker(training.setup.things.get("args"))
            switch = _switch(calls, training.setup, args)
            if switch is None:
                continue
            setting = checkpointing_kwargs(args) if args is not None else None
            kwargs = _value(args, setting, pinned_transformers)
            load = base_load(calls, wrap.made)
            if kwargs is UNKNOWN or load is None or has_own_code(load):
                continue
            if not _fails(pinned_transformers, load, kwargs):
                continue
            if not calls.places(_sets_input_grads, training.model):
                yield Problem(
                    setting.span if setting is not None else switch,
                    "no input of a checkpoint requires a gradient, because LoRA freezes the "
                    "embedding: LoRA gets no gradient, and without a head the backward pass fails.",
                    help='Set gradient_checkpointing_kwargs={"use_reentrant": False}, or call '
                    "model.enable_input_require_grads().",
                    also=(wrap.span,),
                )


_NAMES = ("gradient_checkpointing", "activation_checkpointing")


def _leaves_the_model(trainer: Call, trl: VersionRange) -> bool:
    """Whether a trainer takes a PeftModel as it is.

    TRL's SFTTrainer does up to 0.19; its trainers of preferences set the hook themselves.
    """
    if trainer.name == "trl.SFTTrainer":
        return trl.certainly_below("0.20")
    return trainer.name.startswith("transformers.")


def _switch(calls: Calls, trainer: Call, arguments: Call | None) -> Span | None:
    """Where checkpointing is certainly turned on: an argument, or an attribute that is set."""
    given = trainer.things.get("args")
    if given is not None:
        for call in calls.touching(given):
            sets = call.name in ("=gradient_checkpointing", "=activation_checkpointing")
            if sets and call.on == given and comes_before(calls, call, trainer):
                on = call.certain_after(trainer) and argument_is(call.arguments.get("value"), True)
                return call.span if on else None
    if arguments is None or checkpointing(arguments) is not True:
        return None
    return next(arguments.arguments[name].span for name in _NAMES if name in arguments.arguments)


def _value(arguments: Call | None, kwargs: Setting | None, transformers: VersionRange) -> object:
    """What is passed to each checkpoint, None if nothing is."""
    if kwargs is not None:
        return kwargs.value if kwargs.known else UNKNOWN
    if transformers.certainly_below("4.35"):
        return None  # there is no such argument yet
    return None if arguments is not None and arguments.complete else UNKNOWN


def _fails(pinned_transformers: VersionRange, load: Call, kwargs: object) -> bool:
    reentrant = kwargs.get("use_reentrant") if isinstance(kwargs, dict) else None
    if any(word in load.name for word in ("Image", "Vision", "ViT", "Swin", "Dinov2")):
        return reentrant is True
    return reentrant is not False and pinned_transformers.certainly_below("5")


def _sets_input_grads(call: Call, model: Thing) -> bool:
    if call.name.startswith("peft.prepare_model_for_"):
        return model in call.things.values()
    names = (
        ".enable_input_require_grads",
        ".gradient_checkpointing_enable",
        ".register_forward_hook",
        ".add_adapter",
    )
    return is_unknown(call, model) or (of(call, model) and call.name in names)
