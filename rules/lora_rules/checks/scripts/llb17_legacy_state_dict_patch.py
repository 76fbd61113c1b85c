"""Rule LLB17, legacy-state-dict-patch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB17",
    Severity.INFO,
    evidence=[
        RELEASES_READ.says(
            "With the patch PEFT 0.3.0, 0.18.0 and 0.19.0 save 0 tensors, 0.20.0 and 0.21.2 all "
            "of them; the filter by name stands in 0.3.0 to 0.19.1."
        ),
        SCRIPT_RUNS.says("PEFT 0.21.2 saves the same tensors with the patch and without it."),
    ],
    calls=("=state_dict",),
)
def legacy_state_dict_patch(program: Program, pinned_peft: VersionRange = ANY) -> Iterator[Problem]:
    """`model.state_dict` is replaced to save only the adapter, which PEFT does by itself.

    ## What it checks
    An assignment to `state_dict` of a model that came out of `get_peft_model`.

    - An error where PEFT is pinned to versions from 0.3 to 0.19, else info.

    ## Why it matters
    PEFT 0.3 to 0.19 save an empty adapter with this patch (peft#286, #970): they look for the
    adapter's name in the names of the weights, and the patch has taken it out. From 0.20 on they
    save the same with it and without it.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    old = model.state_dict
    model.state_dict = lambda *_, **__: get_peft_model_state_dict(model, old())  # LLB17
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    model.save_pretrained("adapter")
    ```

    ## When to ignore it
    When PEFT is pinned below 0.3.

    ## Options
    None.
    """
    calls = program.calls
    empties = pinned_peft.certainly_at_least("0.3") and pinned_peft.certainly_below("0.20")
    reported: set[Span] = set()
    for call in calls.named("=state_dict"):
        if call.on is None or call.span in reported:
            continue
        if calls.any_between(_wraps, call.on, None, call):
            reported.add(call.span)
            yield Problem(
                call.span,
                f"PEFT {pinned_peft} saves an empty adapter with this patch."
                if empties
                else "PEFT saves only the adapter without this patch.",
                severity=Severity.ERROR if empties else None,
                help="Take it out, and call model.save_pretrained(...).",
            )


def _wraps(call: Call, model: Thing) -> bool:
    return call.name == "peft.get_peft_model" and call.made == model
