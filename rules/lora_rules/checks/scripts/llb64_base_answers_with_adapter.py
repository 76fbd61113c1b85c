"""Rule LLB64, base-answers-with-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import base_load, excludes, is_adapter_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import BASE_KEPT_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_ENDS = (
    "disable_adapter",
    "disable_adapter_layers",
    "disable_adapters",
    "unload",
    "merge_and_unload",
    "merge_adapter",
    "delete_adapter",
    "set_adapter",
    "deepcopy",
)
_INSTEAD = "Answer for the base inside `with model.disable_adapter():`, or load it a second time."


@rule(
    "LLB64",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After PeftModel.from_pretrained(base, ...) the base gives the same logits as the "
            "PeftModel: LoRA's layers are put into it."
        ),
        BASE_KEPT_ISSUES.says("PEFT changes the model in place; load it again, or copy it before."),
    ],
    of_records=True,
    calls=("generate",),
)
def base_answers_with_adapter(program: Program) -> Iterator[Problem]:
    """The base model and its PeftModel are both asked, and both answer with the adapter.

    ## What it checks
    A model that was given to `PeftModel.from_pretrained` generates afterwards, and so does the
    PeftModel.

    - Left out where the adapter is disabled, switched, merged or unloaded, or the model copied,
      anywhere in the file.

    ## Why it matters
    PEFT puts LoRA into the layers of the model that it is given. The name of the base stands for
    the same layers: a comparison of the two compares the adapter with itself.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B").eval()
    tuned = PeftModel.from_pretrained(base, "my-adapter")
    print(base.generate(**inputs()))  # LLB64: base.generate(**inputs())
    print(tuned.generate(**inputs()))
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B").eval()
    tuned = PeftModel.from_pretrained(base, "my-adapter")
    with tuned.disable_adapter():
        print(tuned.generate(**inputs()))
    print(tuned.generate(**inputs()))
    ```

    ## When to ignore it
    When both names are meant to stand for the model with its adapter.

    ## Options
    None.
    """
    calls = program.calls
    if calls.makes(_ENDS):
        return
    for load in calls.last_named("from_pretrained"):
        model = load.things.get("model")
        if not is_adapter_load(load) or model is None or model.part or model.wrapped:
            continue
        base = base_load(calls, model)
        if base is None:
            continue
        asked = _generations(calls, model, load)
        plain = [call for call in asked if call.on is not None and not call.on.wrapped]
        tuned = [call for call in asked if call.on is not None and call.on.wrapped]
        pairs = ((one, other) for one in plain for other in tuned if not excludes(one, other))
        for one, other in pairs:
            yield _problem(load, one, other)
            return


def _problem(load: Call, one: Call, other: Call) -> Problem:
    if one.span == other.span:  # a function of the file that is called for both
        return Problem(
            load.span,
            "this puts the adapter into the base model itself: what is asked at line "
            f"{one.span.line} of the base answers as the PeftModel does.",
            help=_INSTEAD,
            also=(one.span,),
        )
    return Problem(
        one.span,
        f"the adapter of line {load.span.line} is inside the base model too: this answers as the "
        f"PeftModel does (line {other.span.line}).",
        help=_INSTEAD,
        also=(load.span,),
    )


def _generations(calls: Calls, model: Thing, load: Call) -> list[Call]:
    """Where the model generates, after the adapter was certainly loaded."""
    after = calls.position(load)
    return [
        call
        for call in calls.named(".generate")
        if call.on == model and calls.position(call) > after and load.certain_after(call)
    ]
