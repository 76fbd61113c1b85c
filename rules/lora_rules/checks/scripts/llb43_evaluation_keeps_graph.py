"""Rule LLB43, evaluation-keeps-graph."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts import loops
from lora_rules.checks.scripts.adapters import adapter_changes, only
from lora_rules.checks.scripts.calls import freezes
from lora_rules.engine.effects import ADDS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing


@rule(
    "LLB43",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A sum of the losses of four batches that go through a LoRA model keeps the saved "
            "activations of all four; of loss.item() it keeps none."
        )
    ],
    calls=("=+",),
)
def evaluation_keeps_graph(program: Program) -> Iterator[Problem]:
    """An evaluation sums up losses with their graphs, and keeps every batch's activations.

    ## What it checks
    A loop of the script in which the loss or the logits of a model with LoRA, which is in
    evaluation mode, are added to a sum (`total += loss`) or to a list, without `no_grad` or
    `inference_mode` and without a backward pass.

    - Left out where `item()`, `detach()`, `float(...)` or another function comes in between.

    ## Why it matters
    LoRA's matrices require a gradient in evaluation mode too, so each forward pass records a graph
    with its activations. A tensor that is kept keeps its graph: memory grows with every batch of
    the evaluation, until it runs out, and a backward pass that would free it never comes.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for batch in load("train"):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    total = 0.0
    for batch in load("test"):
        total += model(**batch).loss  # LLB43: model(**batch).loss
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
    for batch in load("train"):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    total = 0.0
    with torch.no_grad():
        for batch in load("test"):
            total += model(**batch).loss.item()
    ```

    ## When to ignore it
    When the evaluation has a few batches only.

    ## Options
    None.
    """
    calls = program.calls
    reported: set[Span] = set()
    for call in loops.kept_in_loops(calls):
        thing = call.things["value"]
        if call.span in reported or not loops.OUTPUT.fullmatch(thing.part):
            continue
        if not _evaluates(calls, call) or _is_without_gradient(calls, call):
            continue
        if _goes_back(calls, call):
            continue
        wraps = only(adapter_changes(calls, call, "value"), ADDS)
        model = Thing(thing.number)
        if not wraps or any(calls.any_between(_may_freeze, model, w, call) for w in wraps):
            continue
        reported.add(call.span)
        yield Problem(
            call.span,
            "this keeps the graph of every batch, with its activations: memory grows until it "
            "runs out.",
            help="Evaluate below torch.no_grad(), and add loss.item().",
            also=(wraps[0].span,),
        )


def _evaluates(calls: Calls, call: Call) -> bool:
    """Whether the model is certainly in evaluation mode."""
    modes = calls.last(call.histories.get("value"), _sets_mode)
    return all(each is not None and each.name == ".eval" for each in modes)


def _sets_mode(call: Call, model: Thing) -> bool:
    return call.on == model and call.name in (".eval", ".train")


def _goes_back(calls: Calls, call: Call) -> bool:
    """Whether a backward pass is made in its loop, or of the sum: before training goes on."""
    loop = next(arm for arm in reversed(call.branch) if arm < 0)
    passes = calls.named(".backward", "torch.autograd.grad")
    if any(loop in back.branch for back in passes):
        return True
    start = calls.position(call)
    after = [place for back in passes if (place := calls.position(back)) > start]
    trains = [place for each in calls.named(".train") if (place := calls.position(each)) > start]
    return bool(after) and min(after) < min(trains, default=len(calls))


def _is_without_gradient(calls: Calls, call: Call) -> bool:
    """Whether gradients may have been turned off before, for as long as this takes."""
    end = calls.position(call)
    return any(calls.position(each) < end for each in calls.named(*loops.WITHOUT_GRADIENT))


def _may_freeze(call: Call, model: Thing) -> bool:
    return freezes(call, model) or call.name == ".disable_adapter"
