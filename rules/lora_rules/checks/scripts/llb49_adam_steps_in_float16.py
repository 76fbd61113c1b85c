"""Rule LLB49, adam-steps-in-float16."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted, argument, base_load, trainings
from lora_rules.checks.scripts.float16 import is_float16, may_cast, whole_weights
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value
from lora_rules.engine.views import Outline
from lora_rules.evidence import FLOAT16_ISSUES, SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call

SMALLEST = 2**-25
"""Half of the smallest float16: what is smaller, or just that, becomes 0."""


@rule(
    "LLB49",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "One step of torch's AdamW on the float16 head of a classifier beside LoRA gives NaN; "
            "with eps=1e-4, with fused=True and with a float32 base it does not."
        ),
        FLOAT16_ISSUES.says("NaN from the second iteration on; with eps=1e-4 several could train."),
    ],
    calls=("Adam", "AdamW"),
)
def adam_steps_in_float16(
    program: Program, outline: Outline, modules_to_save: Value, bias: Value, task_type: Value
) -> Iterator[Problem]:
    """Float16 weights are trained with Adam, whose eps is zero in float16: NaN.

    ## What it checks
    A loop of the script's own with torch's Adam or AdamW, on a base loaded in float16, with
    `modules_to_save`, with a `bias` other than "none", or with a task type whose head PEFT trains
    (SEQ_CLS, TOKEN_CLS).

    - Not checked with `fused=True`, which computes in float32, with an eps that float16 can hold,
      or after a cast.

    ## Why it matters
    LoRA's matrices are float32, but heads, saved modules and biases keep the base's float16. Adam
    divides by the root of the averaged square of the gradient plus eps. In float16 the 1e-8 is 0,
    and so is the average where the gradient is below 0.005. The division by zero makes weights
    NaN, the loss from the next step on.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained("a/b", dtype=torch.float16)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(  # LLB49
        model.parameters(), lr=1e-4
    )
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained("a/b", dtype=torch.bfloat16)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for batch in load():
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    whole = next(whole_weights(modules_to_save, bias, task_type), None)
    if whole is None:
        return
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        load = base_load(calls, model)
        if load is None or not load.certain_after(use) or not is_float16(load):
            continue
        if may_cast(calls, model):
            continue
        for training in trainings(calls, model):
            if _divides_by_zero(training.setup):
                yield Problem(
                    training.setup.span,
                    f"{whole[1]} in float16, where Adam's eps is 0: it divides by zero, and the "
                    "weights become NaN.",
                    help="Load the base in bfloat16 or float32.",
                    also=(whole[0],),
                )
                return


def _divides_by_zero(optimizer: Call) -> bool:
    """Whether it is torch's Adam, computing in the type of the weights."""
    owner, _, kind = optimizer.name.rpartition(".")
    if not owner.startswith("torch") or kind not in ("Adam", "AdamW"):
        return False
    if argument(optimizer, "fused", None) not in (None, False):
        return False
    eps = argument(optimizer, "eps", 1e-8)
    return isinstance(eps, int | float) and eps <= SMALLEST
