"""Rule LLB41, generates-with-dropout."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    adapted,
    adapter_loads,
    argument,
    argument_is,
    comes_before,
    given,
    is_adapter_load,
    is_unknown,
    of,
    same_argument,
    trainings,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")
"""Trainers that leave the model as their last step had it, and its dropout as it was written."""


@rule(
    "LLB41",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After Trainer.train() without evaluation the model is in training mode; generate "
            "leaves it there, and two calls on one prompt give different logits."
        ),
    ],
    calls=("generate", "__call__"),
)
def generates_with_dropout(
    program: Program, outline: Outline, lora_dropout: float
) -> Iterator[Problem]:
    """The trained model answers in training mode, with LoRA's dropout on.

    ## What it checks
    `model.generate(...)` after `trainer.train()` of the same model, which has an adapter with
    `lora_dropout` above 0, while nothing in between calls `eval()`.

    - The same for an adapter that the file trains and saves, then loads with `is_trainable=True`,
      and only asks for answers.
    - Not checked: a run that evaluates, callbacks, and anything unknown that is given the model.

    ## Why it matters
    `get_peft_model`, `is_trainable=True` and `trainer.train()` leave the model in training mode,
    and `generate` does not change it. Dropout then removes a random part of the adapter's input at
    every token: greedy decoding gives another text each time, and a score is that of a damaged
    adapter.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    print(model.generate(**prompt()))  # LLB41: model.generate(**prompt())
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    model.eval()
    print(model.generate(**prompt()))
    ```

    ## When to ignore it
    When the text is only looked at, and need not be the same twice.

    ## Options
    None.
    """
    if lora_dropout <= 0:
        return
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        for training in trainings(calls, model):
            if training.setup.name not in _TRAINERS or not _stays_in_training(calls, training):
                continue
            for place in calls.places(_generates, model):
                answer = calls[place]
                if comes_before(calls, use, training.start, answer) and _is_still_on(
                    calls, training, answer
                ):
                    yield Problem(
                        answer.span,
                        "the model is in training mode since line "
                        f"{training.start.span.line}: lora_dropout = {lora_dropout:g} is on while "
                        "it generates.",
                        help="Call model.eval() before.",
                        also=(training.start.span,),
                    )
                    return
        yield from _answers_of_loaded(calls, use, model, lora_dropout)


def _answers_of_loaded(
    calls: Calls, use: Call, model: Thing, lora_dropout: float
) -> Iterator[Problem]:
    """A saved adapter that is loaded to be trained further, and is only asked."""
    saved = [call for call in calls.touching(model) if _saves(call, model)]
    for load in adapter_loads(calls):
        if load.made is None or not argument_is(load.arguments.get("is_trainable"), True):
            continue
        if not any(comes_before(calls, use, save, load) and _same(save, load) for save in saved):
            continue
        if load.made == model or calls.any_between(_may_train, load.made, load, None):
            continue
        for place in calls.places(_answers, load.made):
            yield Problem(
                calls[place].span,
                f"is_trainable=True at line {load.span.line} leaves the model in training mode: "
                f"lora_dropout = {lora_dropout:g} is on while it answers.",
                help="Leave out is_trainable, or call model.eval() before.",
                also=(load.span,),
            )
            return


def _saves(call: Call, model: Thing) -> bool:
    return call.name == ".save_pretrained" and call.on == model


def _same(save: Call, load: Call) -> bool:
    """Whether an adapter is loaded from where one was saved."""
    return same_argument(save, ("0", "save_directory"), load, ("model_id",))


def _answers(call: Call, model: Thing) -> bool:
    return call.name in (".generate", ".__call__") and call.on == model


def _may_train(call: Call, model: Thing) -> bool:
    """Whether a call may train a model, or end its training mode."""
    if is_adapter_load(call) or _answers(call, model):
        return False
    if of(call, model):
        return call.name not in _KEEPING - {".parameters", ".named_parameters"} and not (
            call.on is not None and call.on.part
        )
    return given(call, model) and not call.name.startswith(("builtins.", ".", "="))


def _generates(call: Call, model: Thing) -> bool:
    return call.name == ".generate" and call.on == model


def _stays_in_training(calls: Calls, training: Training) -> bool:
    """Whether no evaluation of the run itself certainly puts the model into evaluation mode."""
    trainer = training.setup
    if not trainer.complete or "callbacks" in trainer.arguments:
        return False
    args = trainer.things.get("args")
    made = calls.maker(args)
    if args is None:
        return "args" not in trainer.arguments
    if made is None or not made.complete or not made.name.startswith(("transformers.", "trl.")):
        return False
    evaluates = [argument(made, name, "no") for name in ("eval_strategy", "evaluation_strategy")]
    evaluates.append("no" if argument(made, "eval_on_start", False) is False else None)
    return evaluates == ["no"] * 3 and not calls.any_between(_changes, args, made, training.start)


def _changes(call: Call, args: Thing) -> bool:
    return call.name.startswith("=") and of(call, args)


def _is_still_on(calls: Calls, training: Training, answer: Call) -> bool:
    """Whether training certainly comes before, and nothing in between may end training mode."""
    if not training.start.certain_after(answer):
        return False
    trainer = training.setup.made
    if trainer is not None and calls.any_between(_may_end, trainer, training.start, answer):
        return False
    return not calls.any_between(_may_end, training.model, training.start, answer)


def _may_end(call: Call, thing: Thing) -> bool:
    if is_unknown(call, thing) or (given(call, thing) and not call.name.startswith("=")):
        return True
    return of(call, thing) and call.name not in _KEEPING


_KEEPING = frozenset(
    [
        ".generate",
        ".to",
        ".cuda",
        ".save_pretrained",
        ".save_model",
        ".push_to_hub",
        ".save_state",
        ".log_metrics",
        ".save_metrics",
        ".print_trainable_parameters",
        ".parameters",
        ".named_parameters",
        ".requires_grad_",
        "=config",
        "=use_cache",
    ]
)
"""Methods after which a model is in the mode in which it was."""
