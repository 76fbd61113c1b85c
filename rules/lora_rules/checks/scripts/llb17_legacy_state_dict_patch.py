"""Rule LLB17, legacy-state-dict-patch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB17",
    Severity.INFO,
    evidence=[
        SCRIPT_RUNS.says("Which orders of calls raise, train nothing, or lose what they trained."),
    ],
)
def legacy_state_dict_patch(program: Program) -> Iterator[Problem]:
    """`model.state_dict` is replaced to save only the adapter, which PEFT does by itself.

    ## What it checks
    An assignment to `state_dict` of a model that came out of `get_peft_model`.

    ## Why it matters
    Scripts of early 2023 needed it. With versions of PEFT between, it saved empty adapters
    (alpaca-lora#539, peft#286). PEFT 0.21.2 saves the same with it and without it.

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
    When PEFT is pinned to 0.2 or 0.3.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for call in calls.named("=state_dict"):
        if call.on is None or call.span in reported:
            continue
        if calls.any_between(_wraps, call.on, None, call):
            reported.add(call.span)
            yield Problem(
                call.span,
                "PEFT saves only the adapter without this patch.",
                help="Take it out, and call model.save_pretrained(...).",
            )


def _wraps(call: Call, model: Thing) -> bool:
    return call.name == "peft.get_peft_model" and call.made == model
