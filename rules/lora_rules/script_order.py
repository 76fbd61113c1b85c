"""Steps of a script in an order in which nothing is trained, or not what was meant."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    Training,
    adapter_loads,
    argument,
    between,
    frees,
    freezes,
    is_optimizer,
    maker,
    peft_wraps,
    pinned_below,
    trainings,
)
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS, TRL_SOURCE
from lora_rules.facts.held_revision import held_at_revision
from lora_rules.recipe import Call, Recipe
from lora_rules.rule import Problem, Severity, rule

Calls = tuple[Call, ...]


@rule("LLB01", Severity.ERROR, evidence=[SCRIPT_RUNS, PEFT_SOURCE])
def loaded_adapter_is_frozen(script: Recipe) -> Iterator[Problem]:
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
    calls = script.calls
    for load in adapter_loads(calls):
        if load.made is None or argument(load, "is_trainable", False) is not False:
            continue
        for training in trainings(calls):
            if training.model == load.made and _stays_frozen(calls, load, training):
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
    if not _comes_before(calls, frozen, training.start) or not frozen.certain_after(training.start):
        return False
    return not any(frees(call, training.model) for call in between(calls, frozen, training.start))


def _comes_before(calls: Calls, first: Call, last: Call) -> bool:
    return any(call is last for call in calls[next(i for i, c in enumerate(calls) if c is first) :])


@rule("LLB02", Severity.ERROR, evidence=[SCRIPT_RUNS, PEFT_SOURCE])
def frozen_after_adapter(script: Recipe) -> Iterator[Problem]:
    """The whole model is frozen after the adapter was added.

    ## What it checks
    After `get_peft_model`: `prepare_model_for_kbit_training(model)`,
    `model.requires_grad_(False)`, or a loop that sets `requires_grad = False` on every parameter
    without a test; and the model is trained with nothing freed in between.

    ## Why it matters
    All three freeze LoRA's own matrices with the rest. PEFT does not warn. The trainer stops with
    "element 0 of tensors does not require grad", or an optimizer gets an empty list
    (trl#3926, transformers#26098, peft#760).

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    model = prepare_model_for_kbit_training(model)  # LLB02: prepare_model_for_kbit_training(model)
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    base = prepare_model_for_kbit_training(base)
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    told = set()
    for wrap in peft_wraps(calls):
        for training in trainings(calls):
            if training.model != wrap.made or not _comes_before(calls, wrap, training.start):
                continue
            for call in between(calls, wrap, training.start):
                if not _freezes(call, training) or not wrap.certain_after(call):
                    continue
                if any(frees(x, training.model) for x in between(calls, call, training.start)):
                    continue
                if call.span not in told:
                    told.add(call.span)
                    yield Problem(
                        call.span,
                        f"this freezes the adapter that was added at line {wrap.span.line}: "
                        "nothing is left to train.",
                        help="Freeze or prepare the base model before get_peft_model.",
                        also=(wrap.span,),
                    )


def _freezes(call: Call, training: Training) -> bool:
    if call.name.startswith("peft.prepare_model_for_"):
        return call.made == training.model
    return freezes(call, training.model)


@rule("LLB03", Severity.ERROR, evidence=[SCRIPT_RUNS])
def optimizer_before_adapter(script: Recipe) -> Iterator[Problem]:
    """The optimizer is made before the adapter, so it never sees the adapter's parameters.

    ## What it checks
    An optimizer over `model.parameters()` made before `get_peft_model(model, ...)`, and stepped,
    or handed to a trainer, afterwards.

    ## Why it matters
    `get_peft_model` freezes the parameters that the optimizer holds and adds new ones that it
    does not hold. The loss is computed, the backward pass runs, `step()` runs, and no parameter
    changes: without any message. In a run of ten steps, 0 parameters changed.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)  # LLB03
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## When to ignore it
    Where the optimizer is given the adapter's parameters later with `add_param_group`.

    ## Options
    None.
    """
    calls = script.calls
    for wrap in peft_wraps(calls):
        for call in calls:
            if call is wrap:
                break
            holds = [t for t in call.things.values() if wrap.made and t.number == wrap.made.number]
            if (
                is_optimizer(call)
                and holds
                and call.certain_after(wrap)
                and _is_used(calls, wrap, call)
            ):
                yield Problem(
                    call.span,
                    "the optimizer holds the base model's parameters, which get_peft_model freezes "
                    f"at line {wrap.span.line}; LoRA's are not in it, and nothing is trained.",
                    help="Make the optimizer after get_peft_model.",
                    also=(wrap.span,),
                )


def _is_used(calls: Calls, wrap: Call, optimizer: Call) -> bool:
    """Whether it is stepped or handed on after the adapter came, and is given nothing more."""
    stepped = False
    for call in calls[next(i for i, c in enumerate(calls) if c is wrap) :]:
        if optimizer.made is None or (
            call.name == ".add_param_group" and call.on == optimizer.made
        ):
            return False
        handed = call.name.endswith("Trainer") and optimizer.made in call.things.values()
        stepped = stepped or handed or (call.name == ".step" and call.on == optimizer.made)
    return stepped


REPLACED = "the second takes the place of the first."
"""PEFT 0.21.2 injects into the bare base under the same adapter name; counted by running it."""


@rule("LLB04", Severity.ERROR, evidence=[TRL_SOURCE, PEFT_SOURCE])
def adapter_added_twice(script: Recipe) -> Iterator[Problem]:
    """A model that already has an adapter is given another one.

    ## What it checks
    A trainer of TRL that gets both a model from `get_peft_model` or `PeftModel.from_pretrained`
    and a `peft_config`; and `get_peft_model` called twice on one model with a
    LoraConfig (a warning).

    ## Why it matters
    TRL 0.29 and newer raise ValueError for the first. Up to 0.26 they merged the adapter that the
    model had into it without a word, and trained another. The second nests one LoRA in another, or,
    on the bare base model, takes the place of the first: PEFT warns, and what is saved is not what
    was configured (trl#652, #4029, #473).

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model, args, train_dataset=load(), peft_config=lora)  # LLB04
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048)
    trainer = SFTTrainer(model, args, train_dataset=load(), peft_config=lora)
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = script.calls
    for position, call in enumerate(calls):
        first = _adapter_before(calls[:position], call)
        if first is None:
            continue
        if call.name.startswith("trl.") and call.name.endswith("Trainer"):
            if _gets_config(calls, call):
                yield from _two_for_a_trainer(script, first, call)
        elif call.name == "peft.get_peft_model" and _is_lora(calls, first, call):
            wrapped = call.things["model"].wrapped
            yield Problem(
                call.span,
                f"get_peft_model was called on this model at line {first.span.line} already: "
                + ("one adapter is nested in the other." if wrapped else REPLACED),
                severity=Severity.WARNING,
                help="Call it once, or use add_adapter for a second adapter.",
                also=(first.span,),
            )


def _two_for_a_trainer(recipe: Recipe, first: Call, trainer: Call) -> Iterator[Problem]:
    if not trainer.things["model"].wrapped:
        yield Problem(
            trainer.span,
            f"the adapter of line {first.span.line} is inside this model already, though it is not "
            f"the PeftModel, and peft_config asks for another: {REPLACED}",
            severity=Severity.WARNING,
            help="Leave out get_peft_model or peft_config.",
            also=(first.span,),
        )
        return
    older = pinned_below(recipe, "trl", (0, 29))
    if older is None and held_at_revision(recipe, "trl"):
        return
    if not older:
        unsaid = ", and no older version is pinned" if older is None else ""
        yield Problem(
            trainer.span,
            f"the model has an adapter since line {first.span.line}, and peft_config asks for "
            f"another: TRL raises ValueError from 0.29 on{unsaid}.",
            severity=Severity.WARNING if older is None else Severity.ERROR,
            help="Leave out get_peft_model or peft_config.",
            also=(first.span,),
        )


def _adapter_before(calls: Calls, call: Call) -> Call | None:
    """Where the model of a call certainly got the adapter that it still has."""
    model = call.things.get("model")
    if model is None or model.part:
        return None
    for earlier in reversed(calls):
        if earlier.made != model and earlier.on != model and model not in earlier.things.values():
            continue
        if earlier.name == "peft.get_peft_model" or earlier in adapter_loads((earlier,)):
            return earlier if earlier.certain_after(call) else None
        if earlier.name in (".merge_and_unload", ".unload", ".delete_adapter"):
            return None
    return None


def _is_lora(calls: Calls, *wraps: Call) -> bool:
    """Whether all of these add LoRA's layers; prompt tuning, for one, leaves the model as it is."""
    made = [maker(calls, wrap.things.get("peft_config")) for wrap in wraps]
    return all(config is not None and config.name == "peft.LoraConfig" for config in made)


def _gets_config(calls: Calls, trainer: Call) -> bool:
    if argument(trainer, "peft_config", None) is None:
        return False
    made = maker(calls, trainer.things.get("peft_config"))
    return made is not None and made.name.startswith("peft.") and made.certain_after(trainer)
