"""Rule LLB44, evaluation-mode-stays."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted, is_unknown
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB44",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After eval() two passes of a LoRA model with lora_dropout give the same loss, as they "
            "do without dropout; train() brings the dropout back."
        )
    ],
    calls=("eval",),
)
def evaluation_mode_stays(
    program: Program, outline: Outline, lora_dropout: float
) -> Iterator[Problem]:
    """A training loop evaluates in each pass and never goes back to training mode.

    ## What it checks
    A loop of the script that trains a model whose adapter has `lora_dropout` above 0 and calls
    `model.eval()` in every pass, while `train()` is not called anywhere in that loop.

    - Left out where the model goes to a function that is not known, or to a library's trainer.

    ## Why it matters
    `eval()` lasts until `train()` is called. From the second pass on the model trains in evaluation
    mode: LoRA's dropout is off, and so is gradient checkpointing in transformers, which only runs
    in training mode.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    model.train()
    for epoch in range(3):
        for batch in load("train"):
            model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()  # LLB44: model.eval()
        with torch.no_grad():
            print(sum(model(**batch).loss.item() for batch in load("test")))
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05, target_modules="all-linear")
    model = get_peft_model(base, lora)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4)
    for epoch in range(3):
        model.train()
        for batch in load("train"):
            model(**batch).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            print(sum(model(**batch).loss.item() for batch in load("test")))
    ```

    ## When to ignore it
    When the loop makes one pass only.

    ## Options
    None.
    """
    if lora_dropout <= 0:
        return
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        for place in calls.places(_evaluates, model):
            evaluates = calls[place]
            loop = _loop_of_training(calls, use, evaluates, model)
            if loop is not None and not _may_train_again(calls, loop, model):
                yield Problem(
                    evaluates.span,
                    "train() is never called in this loop: from its second pass on the model "
                    f"trains in evaluation mode, without lora_dropout = {lora_dropout:g}.",
                    help="Call model.train() at the beginning of each pass.",
                    also=(use.span,),
                )
                return


def _evaluates(call: Call, model: Thing) -> bool:
    return call.name == ".eval" and call.on == model


def _loop_of_training(calls: Calls, use: Call, evaluates: Call, model: Thing) -> int | None:
    """The innermost loop that trains the model, and in which it is put into evaluation mode.

    None if it is under a test there, which may be the last pass.
    """
    for depth, arm in reversed(list(enumerate(evaluates.branch))):
        if arm > 0:
            return None
        if arm not in use.branch and _trains_in(calls, arm, model):
            return None if any(inner > 0 for inner in evaluates.branch[depth:]) else arm
    return None


def _trains_in(calls: Calls, loop: int, model: Thing) -> bool:
    if not any(loop in back.branch for back in calls.named(".backward")):
        return False
    return any(loop in calls[place].branch for place in calls.places(_passes, model))


def _passes(call: Call, model: Thing) -> bool:
    return call.name == ".__call__" and call.on == model


def _may_train_again(calls: Calls, loop: int, model: Thing) -> bool:
    """Whether training mode may come back in the loop."""
    if any(loop in call.branch for call in calls.named(".train")):
        return True
    return any(loop in calls[place].branch for place in calls.places(is_unknown, model))
