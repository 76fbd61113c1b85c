"""Rule LLB33, adapter-switched-before-backward."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lora_rules.checks.scripts.calls import UNKNOWN, first_argument
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span

_WITHOUT_GRADIENT = ("torch.no_grad", "torch.inference_mode", "torch.set_grad_enabled")
_NEAR = 4
"""Calls before a switch among which `with torch.no_grad():` would stand."""


@rule(
    "LLB33",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "Of two adapters that one forward pass switches between, only the one that is active "
            "at backward gets a gradient; the optimizer may hold the other."
        )
    ],
    calls=("set_adapter",),
)
def adapter_switched_before_backward(program: Program) -> Iterator[Problem]:
    """Two adapters are switched within one pass, and only the last one gets a gradient.

    ## What it checks
    `set_adapter` with two names on one model in one pass of training, with no backward pass between
    them.

    - A pass is the body of a loop with `backward()`, or `compute_loss`, `training_step` or the
      model's `forward` under a Trainer.
    - Left out where `torch.no_grad()` is entered around the first.

    ## Why it matters
    `set_adapter` sets `requires_grad` to False on every other adapter. A parameter that does not
    require a gradient when the backward pass comes gets none, though it did in the forward pass.
    And an optimizer that was made of what requires a gradient holds the adapter that was active
    then: with two, it may be that nothing is trained.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer

    class TwoAdapters(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
            model.set_adapter("one")
            first = model(**inputs).loss
            model.set_adapter("two")  # LLB33
            return first + model(**inputs).loss

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora, adapter_name="one")
    model.add_adapter("two", lora)
    trainer = TwoAdapters(model=model, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora, adapter_name="one")
    model.add_adapter("two", lora)
    model.base_model.set_adapter(["one", "two"])
    trainer = Trainer(model=model, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    When the first adapter only gives a reference, which is not to be trained.

    ## Options
    None.
    """
    yield from _two_switches(program.calls)
    yield from _switches_of_a_loop(program.calls)


def _two_switches(calls: Calls) -> Iterator[Problem]:
    """One call after the other, and then a backward pass."""
    reported: set[Span] = set()
    for first, second in pairwise(calls[place] for place in calls.where(_is_step)):
        if first.name != ".set_adapter" or second.name != ".set_adapter":
            continue
        if first.on != second.on or second.span in reported or not _in_one_pass(first, second):
            continue
        names = [first_argument(call, "adapter_name") for call in (first, second)]
        if UNKNOWN in names or names[0] == names[1]:
            continue
        if _goes_back(calls, second, _loops(second)) and not _is_without_gradient(
            calls, first, second
        ):
            reported.add(second.span)
            yield _problem(second, first, names[0], names[1])


def _switches_of_a_loop(calls: Calls) -> Iterator[Problem]:
    """One call that goes through several names, and a backward pass when it is through."""
    for switch in {calls[place].span: calls[place] for place in calls.where(_is_step)}.values():
        loops = _loops(switch)
        if switch.name != ".set_adapter" or len(loops) < 2:
            continue
        names = _all_names(switch)
        if len(names) > 1 and _goes_back(calls, switch, loops[:-1]):
            yield _problem(switch, None, names[0], names[-1])


def _problem(switch: Call, before: Call | None, lost: object, kept: object) -> Problem:
    place = "" if before is None else f" (line {before.span.line})"
    return Problem(
        switch.span,
        f"this takes the gradient away from the adapter {lost!r}{place} before the backward pass: "
        f"only {kept!r} gets one.",
        help="Go backward before switching, or activate both at once: "
        f"model.base_model.set_adapter([{lost!r}, {kept!r}]).",
        also=() if before is None else (before.span,),
    )


def _all_names(switch: Call) -> list[object]:
    """The names that a loop goes through, in order, where they are known."""
    role = "adapter_name" if "adapter_name" in switch.things else "0"
    item = switch.things.get(role)
    if item is None or not item.part.endswith("[]") or switch.branch[-1] > 0:
        return []
    return list(switch.arguments[role].candidates)


def _is_step(call: Call) -> bool:
    return call.name in (".set_adapter", ".backward")


def _loops(call: Call) -> list[int]:
    return [arm for arm in call.branch if arm < 0]


def _in_one_pass(first: Call, second: Call) -> bool:
    return bool(_loops(first)) and first.branch == second.branch


def _goes_back(calls: Calls, switch: Call, loops: list[int]) -> bool:
    """Whether a backward pass of these loops follows, and no switch comes before it."""
    steps = calls.where(_is_step)
    following = [place for place in steps if place > calls.position(switch)][:1]
    return any(
        calls[place].name == ".backward" and _loops(calls[place]) == loops for place in following
    )


def _is_without_gradient(calls: Calls, first: Call, second: Call) -> bool:
    start = max(0, calls.position(first) - _NEAR)
    between = calls[start : calls.position(second)]
    return any(call.name in _WITHOUT_GRADIENT for call in between)
