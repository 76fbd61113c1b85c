"""Rule LLB34, set-adapter-unfreezes."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument,
    comes_before,
    excludes,
    is_optimizer,
    is_unknown,
    of,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB34",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "set_adapter on a model whose adapters were loaded frozen leaves every parameter of "
            "theirs trainable; with inference_mode=True none."
        )
    ],
    calls=("set_adapter",),
)
def set_adapter_unfreezes(program: Program) -> Iterator[Problem]:
    """Adapters that were loaded with `is_trainable=False` are made trainable by `set_adapter`.

    ## What it checks
    `set_adapter` without `inference_mode=True` on a model, one of whose adapters was loaded with
    `is_trainable=False` written out, followed by an optimizer and its backward pass.

    - Left out where the parameters are frozen again in between.

    ## Why it matters
    Activating an adapter sets `requires_grad` on its parameters, frozen before or not. An optimizer
    of everything that requires a gradient then holds them, and a run that was to train something
    beside the adapters changes the adapters too.

    ## Bad
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "math", adapter_name="math", is_trainable=False)
    model.load_adapter("code", "code", is_trainable=False)
    model.set_adapter("code")  # LLB34: model.set_adapter("code")
    head = torch.nn.Linear(896, 2)
    rest = [part for part in model.parameters() if part.requires_grad]
    optimizer = torch.optim.AdamW(rest + list(head.parameters()), lr=1e-4)
    for batch in load():
        loss_of(head, model(**batch)).backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## Good
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "math", adapter_name="math", is_trainable=False)
    model.load_adapter("code", "code", is_trainable=False)
    model.set_adapter("code", inference_mode=True)
    head = torch.nn.Linear(896, 2)
    rest = [part for part in model.parameters() if part.requires_grad]
    optimizer = torch.optim.AdamW(rest + list(head.parameters()), lr=1e-4)
    for batch in load():
        loss_of(head, model(**batch)).backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## When to ignore it
    When the adapters are to be trained from there on.

    ## Options
    None.
    """
    calls = program.calls
    for switch in calls.named(".set_adapter"):
        model = switch.on
        if model is None or argument(switch, "inference_mode", False) is not False:
            continue
        loads = [call for call in calls.touching(model) if _loads_frozen(call, model)]
        before = [call for call in loads if comes_before(calls, call, switch)]
        if not before or any(excludes(call, switch) for call in before):
            continue
        trained = _training_after(calls, switch)
        if trained is None or calls.any_between(_may_freeze, model, switch, trained):
            continue
        yield Problem(
            switch.span,
            "set_adapter makes the adapters that it activates trainable, though they were loaded "
            f"with is_trainable=False (line {before[-1].span.line}).",
            help="Pass inference_mode=True to set_adapter (PEFT 0.21 takes it), or freeze them "
            "again after it.",
            also=(before[-1].span,),
        )


def _loads_frozen(call: Call, model: Thing) -> bool:
    loads = call.made == model if call.name.startswith("peft.") else of(call, model)
    named = call.name.endswith((".from_pretrained", ".load_adapter"))
    return named and loads and argument(call, "is_trainable", None) is False


def _training_after(calls: Calls, switch: Call) -> Call | None:
    """The optimizer that is made after a call, and followed by a backward pass."""
    after = calls[calls.position(switch) :]
    made = next((call for call in after if is_optimizer(call)), None)
    goes_back = any(call.name == ".backward" for call in after)
    return made if goes_back else None


def _may_freeze(call: Call, model: Thing) -> bool:
    names = (".requires_grad_", "=requires_grad", ".set_requires_grad", ".set_adapter")
    return is_unknown(call, model) or (of(call, model) and call.name in names)
