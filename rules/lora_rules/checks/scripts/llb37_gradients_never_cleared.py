"""Rule LLB37, gradients-never-cleared."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import is_optimizer, is_unknown
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing

_CLEARING = (".zero_grad", ".zero_", "=grad", ".fill_")


@rule(
    "LLB37",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "Without zero_grad the gradient of the second step is the sum of both steps' gradients."
        )
    ],
    calls=("step",),
)
def gradients_never_cleared(program: Program) -> Iterator[Problem]:
    """A training loop never clears its gradients, so each step sums up all before it.

    ## What it checks
    A loop of the script with `backward()` and `optimizer.step()`, in a program that never calls
    `zero_grad()` nor sets a gradient.

    - Left out where the optimizer or its model goes to a function that is not known.

    ## Why it matters
    `backward()` adds to the gradients that are there. If nothing clears them, the update at step n
    follows the sum of the gradients of n batches, most of them of weights as they were long ago.
    Nothing raises.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()  # LLB37: optimizer.step()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## When to ignore it
    When all batches go through one step.

    ## Options
    None.
    """
    calls = program.calls
    if any(call.name in _CLEARING for call in calls):
        return
    reported: set[Span] = set()
    for step in calls.named(".step"):
        optimizer = calls.maker(step.on)
        if optimizer is None or optimizer.made is None or not is_optimizer(optimizer):
            continue
        if step.span in reported or not _goes_back_in_its_loop(calls, step, optimizer):
            continue
        if any(_may_clear(calls, thing) for thing in (optimizer.made, *_models(optimizer))):
            continue
        reported.add(step.span)
        yield Problem(
            step.span,
            "nothing clears the gradients between the steps: each update follows the sum of all "
            "batches before it.",
            help="Call optimizer.zero_grad() after each step.",
        )


def _goes_back_in_its_loop(calls: Calls, step: Call, optimizer: Call) -> bool:
    """Whether a backward pass is made in a loop that the step is in, and the optimizer is not."""
    loops = {arm for arm in step.branch if arm < 0} - set(optimizer.branch)
    return any(loops & set(call.branch) for call in calls.named(".backward"))


def _models(optimizer: Call) -> list[Thing]:
    return [Thing(thing.number) for thing in optimizer.things.values()]


def _may_clear(calls: Calls, thing: Thing) -> bool:
    return any(is_unknown(call, thing) for call in calls.touching(thing))
