"""Rule LLB63, disabled-by-a-statement."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import is_adapter_load
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DISABLED_ADAPTER_ISSUES, SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LLB63",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "disable_adapter is a context manager: called as a statement it changes nothing, and "
            "base_model.model answers with the adapter too."
        ),
        DISABLED_ADAPTER_ISSUES.says("PeftModel.disable_adapter takes effect inside with alone."),
    ],
    of_records=True,
    calls=("disable_adapter",),
)
def disabled_by_a_statement(program: Program) -> Iterator[Problem]:
    """`disable_adapter()` as a statement disables nothing.

    ## What it checks
    A call of `disable_adapter` on a model of PEFT's whose result nobody has.

    ## Why it matters
    The method makes a context manager. Without `with` nothing is entered, the adapter stays active,
    and what is taken for the base model's answer is the adapter's. `base_model.model` is no way
    past it: LoRA's layers are inside that model.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")
    model.eval()
    model.disable_adapter()  # LLB63: model.disable_adapter()
    print(model.generate(**inputs()))
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")
    model.eval()
    with model.disable_adapter():
        print(model.generate(**inputs()))
    ```

    ## When to ignore it
    Never: the line does nothing.

    ## Options
    None.
    """
    calls = program.calls
    of_peft = {
        call.made.number
        for call in calls
        if call.made is not None and (call.name == "peft.get_peft_model" or is_adapter_load(call))
    }
    seen = set()
    for call in calls.named(".disable_adapter"):
        known = call.on is not None and not call.on.part and call.on.number in of_peft
        if known and not call.used and call.span not in seen:
            seen.add(call.span)
            yield Problem(
                call.span,
                "this makes a context manager that nobody enters: the adapter stays active.",
                help="Write `with model.disable_adapter():` around what the base is to answer, or "
                "call unload() to be rid of the adapter.",
            )
