"""Rule LLB03, optimizer-before-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import given, is_optimizer, peft_wraps
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB03",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "With an optimizer made before the adapter, no parameter changes in three steps."
        ),
    ],
    calls=("get_peft_model",),
)
def optimizer_before_adapter(program: Program) -> Iterator[Problem]:
    """The optimizer is made before the adapter, so it never sees the adapter's parameters.

    ## What it checks
    An optimizer over `model.parameters()` that is made before `get_peft_model(model, ...)`, and
    stepped, or handed to a trainer, afterwards.

    ## Why it matters
    `get_peft_model` freezes the parameters that the optimizer holds and adds new ones that it does
    not hold. The loss is computed, the backward pass runs, `step()` runs, and no parameter changes,
    without any message: 0 in a run of three steps.

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
    calls = program.calls
    for wrap in peft_wraps(calls):
        if wrap.made is None:
            continue
        for place in calls.places(_optimizes, wrap.made):
            call = calls[place]
            if place >= calls.position(wrap):
                break
            if call.certain_after(wrap) and _is_used(calls, wrap, call):
                yield Problem(
                    call.span,
                    "the optimizer holds the base model's parameters, which get_peft_model freezes "
                    f"at line {wrap.span.line}; LoRA's are not in it, and nothing is trained.",
                    help="Make the optimizer after get_peft_model.",
                    also=(wrap.span,),
                )


def _is_used(calls: Calls, wrap: Call, optimizer: Call) -> bool:
    """Whether it is stepped or handed on after the adapter came, and is given nothing more."""
    made = optimizer.made
    if made is None or calls.any_between(_is_given_more, made, wrap, None):
        return False
    return calls.any_between(_uses, made, wrap, None)


def _optimizes(call: Call, model: Thing) -> bool:
    return is_optimizer(call) and given(call, model)


def _is_given_more(call: Call, optimizer: Thing) -> bool:
    return call.name == ".add_param_group" and call.on == optimizer


def _uses(call: Call, optimizer: Thing) -> bool:
    handed = call.name.endswith("Trainer") and optimizer in call.things.values()
    return handed or (call.name == ".step" and call.on == optimizer)
