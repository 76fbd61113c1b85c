"""Rule LLB04, adapter-added-twice."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, is_adapter_load
from lora_rules.engine.effects import REMOVES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PEFT_SOURCE, TRL_SOURCE
from lora_rules.libraries.effects import effect_of
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

REPLACED = "the second takes the place of the first."
"""PEFT 0.21.2 injects into the bare base under the same adapter name; counted by running it."""


@rule(
    "LLB04",
    Severity.ERROR,
    evidence=[
        TRL_SOURCE.says(
            "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a "
            "max_length of 1024 (from 0.16 on); packing without a flash attention lets "
            "examples see each other."
        ),
        PEFT_SOURCE.says(
            "What LoraConfig accepts, refuses and silently ignores; 224 named cases were run."
        ),
    ],
)
def adapter_added_twice(program: Program, pinned_trl: VersionRange = ANY) -> Iterator[Problem]:
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
    calls = program.calls
    for place in calls.where(_adds_adapter):
        call = calls[place]
        first = _adapter_before(calls, call)
        if first is None:
            continue
        if call.name != "peft.get_peft_model":
            if _gets_config(calls, call):
                yield from _two_for_a_trainer(pinned_trl, first, call)
        elif _is_lora(calls, first, call):
            wrapped = call.things["model"].wrapped
            yield Problem(
                call.span,
                f"get_peft_model was called on this model at line {first.span.line} already: "
                + ("one adapter is nested in the other." if wrapped else REPLACED),
                severity=Severity.WARNING,
                help="Call it once, or use add_adapter for a second adapter.",
                also=(first.span,),
            )


def _two_for_a_trainer(pinned_trl: VersionRange, first: Call, trainer: Call) -> Iterator[Problem]:
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
    certain = pinned_trl.certainly_at_least("0.29")
    if not (pinned_trl.certainly_below("0.29") or pinned_trl.at_commit):
        unsaid = "" if certain else ", and no older version is pinned"
        yield Problem(
            trainer.span,
            f"the model has an adapter since line {first.span.line}, and peft_config asks for "
            f"another: TRL raises ValueError from 0.29 on{unsaid}.",
            severity=Severity.ERROR if certain else Severity.WARNING,
            help="Leave out get_peft_model or peft_config.",
            also=(first.span,),
        )


def _adapter_before(calls: Calls, call: Call) -> Call | None:
    """Where the model of a call certainly got the adapter that it still has."""
    model = call.things.get("model")
    if model is None or model.part:
        return None
    changes = calls.places(_changes_adapter, model)
    before = bisect_left(changes, calls.position(call))
    last = calls[changes[before - 1]] if before else None
    if last is None or _removes(last) or not last.certain_after(call):
        return None
    return last


def _adds_adapter(call: Call) -> bool:
    of_trl = call.name.startswith("trl.") and call.name.endswith("Trainer")
    return of_trl or call.name == "peft.get_peft_model"


def _changes_adapter(call: Call, model: Thing) -> bool:
    """Whether a model gets an adapter, or loses one."""
    if call.made != model and call.on != model and model not in call.things.values():
        return False
    gets = call.name == "peft.get_peft_model" or is_adapter_load(call)
    return gets or _removes(call)


def _removes(call: Call) -> bool:
    effect = effect_of(call.name)
    return effect is not None and REMOVES in effect.does


def _is_lora(calls: Calls, *wraps: Call) -> bool:
    """Whether all of these add LoRA's layers; prompt tuning, for one, leaves the model as it is."""
    made = [calls.maker(wrap.things.get("peft_config")) for wrap in wraps]
    return all(config is not None and config.name == "peft.LoraConfig" for config in made)


def _gets_config(calls: Calls, trainer: Call) -> bool:
    if argument(trainer, "peft_config", None) is None:
        return False
    made = calls.maker(trainer.things.get("peft_config"))
    return made is not None and made.name.startswith("peft.") and made.certain_after(trainer)
