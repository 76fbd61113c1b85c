"""Rule LLB66, result-is-no-model."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RESULT_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_OF_MODELS = (
    ".generate",
    ".train",
    ".eval",
    ".parameters",
    ".named_parameters",
    ".print_trainable_parameters",
    ".save_pretrained",
    ".merge_and_unload",
    ".to",
    ".cuda",
    ".half",
)
"""Methods of a model that what loads weights into it does not give."""


@rule(
    "LLB66",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "set_peft_model_state_dict gives torch's list of missing and unexpected keys, which "
            "has none of a model's methods."
        ),
        RESULT_ISSUES.says("The model is changed in place; its name held the result afterwards."),
    ],
    calls=("set_peft_model_state_dict",),
)
def result_is_no_model(program: Program, pinned_peft: VersionRange = ANY) -> Iterator[Problem]:
    """What `set_peft_model_state_dict` returns is used as the model.

    ## What it checks
    The result of `set_peft_model_state_dict` that a trainer is given as its model, or a method of
    models is called on, on some way through the file.

    - Left out where PEFT is pinned below 0.3, or to a commit.

    ## Why it matters
    The function puts the weights into the model that it is given, and returns the keys that did not
    fit (nothing, in old versions; the model up to PEFT 0.2). Under the model's own name that list
    takes the model's place: the next method raises AttributeError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    model = set_peft_model_state_dict(model, weights())  # LLB66
    model.print_trainable_parameters()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    set_peft_model_state_dict(model, weights())
    model.print_trainable_parameters()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    if pinned_peft.certainly_below("0.3") or pinned_peft.at_commit:
        return
    for call in calls.named("peft.set_peft_model_state_dict"):
        use = _use_as_model(calls, call)
        if use is not None:
            yield Problem(
                call.span,
                "this gives the keys that did not fit, and line "
                f"{use.span.line} takes it for the model: the weights are in the model itself.",
                help="Leave out the assignment.",
                also=(use.span,),
            )


def _use_as_model(calls: Calls, source: Call) -> Call | None:
    """The first call that certainly takes its result, on some way, for a model."""
    after = calls.position(source)
    for call in calls[after + 1 :]:
        if call.name in _OF_MODELS and _comes_from(calls, call, "", call.on, source):
            return call
        model = call.things.get("model")
        if call.name.endswith("Trainer") and _comes_from(calls, call, "model", model, source):
            return call
    return None


def _comes_from(calls: Calls, call: Call, role: str, thing: Thing | None, source: Call) -> bool:
    if thing is None or thing.part or source.made is None:
        return False
    return thing == source.made or source in calls.last(call.histories.get(role), _makes)


def _makes(call: Call, thing: Thing) -> bool:
    return call.made == thing
