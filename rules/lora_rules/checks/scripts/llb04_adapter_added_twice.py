"""Rule LLB04, adapter-added-twice."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import UNKNOWN, argument, is_adapter_load
from lora_rules.engine.effects import ADDS, LOADS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call

REPLACED = (
    "in layers that both adapt the second takes the place of the first, and what else the first "
    "adapts is trained on."
)
"""PEFT 0.21.2 injects under the same adapter name; counted by running it."""
NESTED = "it wraps the PeftModel again, and the file that it saves is not read onto the base model."


@rule(
    "LLB04",
    Severity.ERROR,
    evidence=[
        RELEASES_READ.says(
            "TRL raises ValueError for a PeftModel with a peft_config from 0.27.0 on, and calls "
            "merge_and_unload up to 0.26.2."
        ),
        SCRIPT_RUNS.says(
            "A second get_peft_model replaces LoRA's matrices under the same name; an adapter "
            "loaded onto a PeftModel misses all its keys."
        ),
    ],
    of_records=True,
)
def adapter_added_twice(program: Program, pinned_trl: VersionRange = ANY) -> Iterator[Problem]:
    """A model that already has an adapter is given another one.

    ## What it checks
    A model that has an adapter on every way to the line is given to a trainer of TRL with a
    `peft_config`, to `get_peft_model` again, or, as a PeftModel, to `PeftModel.from_pretrained`.

    - For the trainer an error where TRL is pinned to 0.27 or newer, a warning where it is not
      pinned; not checked where it is pinned below, or the adapter was merged or unloaded.
    - `get_peft_model` with a LoraConfig is a warning: with the same adapter name, or around a
      PeftModel.
    - Loading onto a PeftModel is a warning.

    ## Why it matters
    TRL 0.27 and newer raise ValueError for the first. Up to 0.26 they merged the adapter that the
    model had into it without a word, and trained another. For the second, LoRA's new matrices
    replace those of the same name, trained or not; a PeftModel in a PeftModel saves names that no
    base model has. For the third, PEFT warns of missing keys and loads nothing.

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
        if is_adapter_load(call):
            if call.things["model"].wrapped:
                yield _loaded_onto_another(first, call)
        elif call.name != "peft.get_peft_model":
            if _gets_config(calls, call):
                yield from _two_for_a_trainer(pinned_trl, first, call)
        elif _adds_lora(calls, call):
            yield from _two_of_peft(calls, first, call)


def _two_of_peft(calls: Calls, first: Call, wrap: Call) -> Iterator[Problem]:
    if _have_other_names(first, wrap):
        if wrap.things["model"].wrapped:
            yield _nested(first, wrap)
    elif _have_one_name(first, wrap):
        if is_adapter_load(first):
            yield _wrapped_again(first, wrap)
        elif _adds_lora(calls, first):
            yield _wrapped_twice(first, wrap)


def _loaded_onto_another(first: Call, load: Call) -> Problem:
    return Problem(
        load.span,
        f"the model is a PeftModel since line {first.span.line}: its layers have other names "
        "than the saved adapter's, and PEFT loads none of it (it warns of missing keys).",
        severity=Severity.WARNING,
        help="Load the adapter onto the base model, without get_peft_model before it.",
        also=(first.span,),
    )


def _wrapped_again(first: Call, wrap: Call) -> Problem:
    return Problem(
        wrap.span,
        f"the model has a trained adapter since line {first.span.line}; in layers that both "
        "adapt the new one takes its place under the same name, and what was trained is lost.",
        severity=Severity.WARNING,
        help="To train the loaded adapter on, pass is_trainable=True and leave out "
        "get_peft_model; for a new one on top, call merge_and_unload() first.",
        also=(first.span,),
    )


def _nested(first: Call, wrap: Call) -> Problem:
    return Problem(
        wrap.span,
        f"the model is a PeftModel since line {first.span.line}: {NESTED} In layers that both "
        "adapt only the new adapter is active.",
        severity=Severity.WARNING,
        help="Add a second adapter with add_adapter, and choose with set_adapter; or call "
        "merge_and_unload() first.",
        also=(first.span,),
    )


def _wrapped_twice(first: Call, wrap: Call) -> Problem:
    nested = f" {NESTED[0].upper()}{NESTED[1:]}" if wrap.things["model"].wrapped else ""
    return Problem(
        wrap.span,
        f"get_peft_model was called on this model at line {first.span.line} already: "
        f"{REPLACED}{nested}",
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
    changes = only(adapter_changes(calls, call, "model", unknown=False), ADDS, LOADS)
    return next((each for each in changes if _is_peft(each)), None)


def _adds_adapter(call: Call) -> bool:
    of_trl = call.name.startswith("trl.") and call.name.endswith("Trainer")
    return of_trl or _is_peft(call)


def _is_peft(call: Call) -> bool:
    return call.name == "peft.get_peft_model" or is_adapter_load(call)


def _adds_lora(calls: Calls, wrap: Call) -> bool:
    """Whether it adds LoRA's layers; prompt tuning, for one, leaves the model as it is."""
    config = calls.maker(wrap.things.get("peft_config"))
    return config is not None and config.name == "peft.LoraConfig"


def _have_one_name(*calls: Call) -> bool:
    """Whether the adapters certainly have the same name."""
    names = {argument(call, "adapter_name", "default") for call in calls}
    return len(names) == 1 and names != {UNKNOWN}


def _have_other_names(first: Call, second: Call) -> bool:
    """Whether the adapters certainly have different names."""
    names = [argument(call, "adapter_name", "default") for call in (first, second)]
    return UNKNOWN not in names and names[0] != names[1]


def _gets_config(calls: Calls, trainer: Call) -> bool:
    if argument(trainer, "peft_config", None) is None:
        return False
    made = calls.maker(trainer.things.get("peft_config"))
    return made is not None and made.name.startswith("peft.") and made.certain_after(trainer)
