"""Rule LLB50, sum-of-losses-keeps-graph."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts import loops
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB50",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A sum of losses that went backward keeps the autograd nodes of every batch; one that "
            "goes backward itself in each pass raises at the second."
        )
    ],
    calls=("=+",),
)
def sum_of_losses_keeps_graph(program: Program) -> Iterator[Problem]:
    """A training loop adds up losses with their graphs.

    ## What it checks
    A loop with a backward pass adds the model's loss to a sum (`total += loss`) or to a list, and
    never starts a new one.

    - An error where the sum itself goes backward in every pass.
    - Left out where `item()`, `detach()`, `float(...)` or another function comes in between.

    ## Why it matters
    `backward()` frees the activations, not the graph: its nodes live as long as the sum. With LoRA
    on every linear layer they take 65 to 90 kB of host memory for each layer of a Llama and each
    step, some 16 GB for 24 layers after 10,000 steps. A sum that goes backward leads
    through the graphs of the earlier passes, whose activations are gone: RuntimeError at the second
    pass.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    total = 0.0
    for batch in load("train"):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss  # LLB50: loss
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
    total = 0.0
    for batch in load("train"):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    ```

    ## When to ignore it
    A warning: in a run of a few hundred steps.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for call in loops.kept_in_loops(calls):
        loop = loops.innermost_loop(call)
        if loop is None or call.span in reported or _is_without_gradient(calls, loop):
            continue
        started = [(back, loops.goes_backward(back)) for back in loops.backward_in(calls, loop)]
        value = call.things["value"]
        passes = [(back, thing) for back, thing in started if thing and _is_of(thing, value)]
        sums = [back for back, thing in passes if thing.part.endswith(loops.SUM)]
        raising = [back for back in sums if _is_certain(back, loop)]
        if raising:
            reported.add(call.span)
            yield Problem(
                raising[0].span,
                "the sum leads through the graphs of all passes before: backward() raises "
                "RuntimeError at the second one.",
                severity=Severity.ERROR,
                help="Call backward() on the loss of the batch, and add loss.item() to the sum.",
                also=(call.span,),
            )
        elif passes and not sums:
            reported.add(call.span)
            yield Problem(
                call.span,
                "this keeps the graph of every batch: memory grows with each step.",
                help="Add loss.item().",
                also=(passes[0][0].span,),
            )


def _is_of(thing: Thing, value: Thing) -> bool:
    """Whether what goes backward is what is added, or a sum of it."""
    return thing.number == value.number and _plain(thing) == _plain(value)


def _plain(thing: Thing) -> str:
    return thing.part.rstrip(loops.SUM + loops.SCALED)


def _is_certain(back: Call, loop: int) -> bool:
    """Whether the sum goes backward in every pass, and its graph is not kept on purpose."""
    if loops.innermost_loop(back) != loop or loops.is_under_test(back, loop):
        return False
    return back.complete and not back.arguments.keys() & {"retain_graph", "1"}


def _is_without_gradient(calls: Calls, loop: int) -> bool:
    """Whether gradients are turned off somewhere in the loop."""
    return any(loop in call.branch for call in calls.named(*loops.WITHOUT_GRADIENT))
