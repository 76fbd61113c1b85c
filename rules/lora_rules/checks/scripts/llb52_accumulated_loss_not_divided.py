"""Rule LLB52, accumulated-loss-not-divided."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts import loops
from lora_rules.checks.scripts.calls import is_optimizer
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span

_MEAN = lazily(r"__call__\(\)(?:\.loss|\[\])(?:\.mean\(\))?")
"""A model's own loss, as it is: the mean over the tokens of one batch."""
_DIVIDES = ("=/", ".div_", ".mul_", "=grad", ".accumulate")
"""What may divide the gradients later, or knows of the accumulation."""


@rule(
    "LLB52",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "Over four batches SGD's step is four times the one of the mean, Adam's, RMSprop's and "
            "Adafactor's are the same; clip_grad_norm_ sees four times the norm."
        )
    ],
    calls=("step",),
)
def accumulated_loss_not_divided(program: Program) -> Iterator[Problem]:
    """Gradients are accumulated over several batches, and the loss is not divided.

    ## What it checks
    A loop calls `backward()` on the model's own loss in every pass, but `optimizer.step()` and
    `zero_grad()` in some passes only, and nothing divides the loss or the gradients.

    - Only for SGD, or where gradients are clipped; with other optimizers it is an info.

    ## Why it matters
    `backward()` adds up: the gradient is the sum over the batches, not their mean. SGD's step is as
    many times too long as batches are accumulated. Clipping acts on the sum, so at a mean gradient
    that is as many times smaller. Adam, RMSprop and Adafactor divide by the gradient's size, and
    their steps stay the same.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for step, batch in enumerate(load("train")):
        loss = model(**batch).loss
        loss.backward()  # LLB52: loss.backward()
        if (step + 1) % 8 == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
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
    for step, batch in enumerate(load("train")):
        loss = model(**batch).loss / 8
        loss.backward()
        if (step + 1) % 8 == 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
    ```

    ## When to ignore it
    When the learning rate and the clipping were chosen for the sum.

    ## Options
    None.
    """
    calls = program.calls
    if any(calls.named(*_DIVIDES)):
        return
    reported: set[Span] = set()
    for step in calls.named(".step"):
        optimizer = calls.maker(step.on)
        loop = loops.innermost_loop(step)
        if optimizer is None or loop is None or not is_optimizer(optimizer):
            continue
        if not _is_made_after_several(calls, step, loop):
            continue
        back = _only_backward(calls, step, loop)
        if back is None or back.span in reported:
            continue
        reported.add(back.span)
        name = optimizer.name.rpartition(".")[2]
        harm, severity = _harm(calls, name, loop)
        yield Problem(
            back.span,
            f"the gradients of several batches are added up, not averaged: {harm}.",
            severity=severity,
            help="Divide the loss by the number of batches between two steps.",
            also=(step.span,),
        )


def _is_made_after_several(calls: Calls, step: Call, loop: int) -> bool:
    """Whether gradients are cleared with the step, in the same passes, and nowhere else."""
    if not loops.is_under_test(step, loop):
        return False
    clears = [call for call in calls.named(".zero_grad") if loop in call.branch]
    return bool(clears) and all(call.branch == step.branch for call in clears)


def _only_backward(calls: Calls, step: Call, loop: int) -> Call | None:
    """The one backward pass of the loop, if it is made in every pass, of a loss as it is."""
    several = loops.backward_in(calls, loop)
    if len({each.span for each in several}) != 1 or loops.is_under_test(several[0], loop):
        return None
    back = several[0]
    if back.on is None or not _MEAN.fullmatch(back.on.part):
        return None
    if loops.innermost_loop(back) != loop or calls.position(back) > calls.position(step):
        return None
    answers = calls.named(".__call__")
    return None if any("num_items_in_batch" in call.arguments for call in answers) else back


def _harm(calls: Calls, optimizer: str, loop: int) -> tuple[str, Severity]:
    if optimizer == "SGD":
        return "SGD's step is as many times too long", Severity.WARNING
    clips = [*calls.last_named("clip_grad_norm_"), *calls.last_named("clip_grad_norm")]
    if any(loop in clip.branch for clip in clips):
        return "they are clipped at a mean that is as many times smaller", Severity.WARNING
    return f"{optimizer} makes up for it, clipping would not", Severity.INFO
