"""Rule LLB04, adapter-added-twice."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument, is_adapter_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

REPLACED = "the second takes the place of the first."
"""PEFT 0.21.2 injects into the bare base under the same adapter name; counted by running it."""

REMOVING = (".merge_and_unload", ".unload", ".delete_adapter")


@rule(
    "LLB04",
    Severity.ERROR,
    evidence=[
        RELEASES_READ.says(
            "TRL raises ValueError for a PeftModel with a peft_config from 0.27.0 on, and calls "
            "merge_and_unload up to 0.26.2."
        ),
        SCRIPT_RUNS.says(
            "TRL 1.16.0 raises ValueError; a second get_peft_model nests, on the bare base it "
            "replaces, and PEFT warns of a second time."
        ),
    ],
)
def adapter_added_twice(program: Program, pinned_trl: VersionRange = ANY) -> Iterator[Problem]:
    """A model that already has an adapter is given another one.

    ## What it checks
    A trainer of TRL that gets a model with an adapter and a `peft_config`, or `get_peft_model`
    called twice on one model with a LoraConfig.

    - For the trainer an error where TRL is pinned to 0.27 or newer, a warning where it is not
      pinned; not checked where it is pinned below, or the adapter was merged or unloaded.
    - `get_peft_model` twice is a warning.

    ## Why it matters
    TRL 0.27 and newer raise ValueError for the first. Up to 0.26 they merged the adapter that the
    model had into it without a word, and trained another. The second nests one LoRA in another, or,
    on the bare base model, takes the place of the first. PEFT warns.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
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
    args = SFTConfig("out", num_train_epochs=1, learning_rate=2e-4, max_length=2048)
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
    certain = pinned_trl.certainly_at_least("0.27")
    if not (pinned_trl.certainly_below("0.27") or pinned_trl.at_commit):
        unsaid = "" if certain else ", and no older version is pinned"
        yield Problem(
            trainer.span,
            f"the model has an adapter since line {first.span.line}, and peft_config asks for "
            f"another: TRL raises ValueError from 0.27 on{unsaid}.",
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
    if last is None or last.name in REMOVING or not last.certain_after(call):
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
    return gets or call.name in REMOVING


def _is_lora(calls: Calls, *wraps: Call) -> bool:
    """Whether all of these add LoRA's layers; prompt tuning, for one, leaves the model as it is."""
    made = [calls.maker(wrap.things.get("peft_config")) for wrap in wraps]
    return all(config is not None and config.name == "peft.LoraConfig" for config in made)


def _gets_config(calls: Calls, trainer: Call) -> bool:
    if argument(trainer, "peft_config", None) is None:
        return False
    made = calls.maker(trainer.things.get("peft_config"))
    return made is not None and made.name.startswith("peft.") and made.certain_after(trainer)
