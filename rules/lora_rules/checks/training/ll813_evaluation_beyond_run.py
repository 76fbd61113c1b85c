"""Rule LL813, evaluation-beyond-run."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.types import LARGEST
from lora_rules.evidence import ARITHMETIC, TRANSFORMERS_WHEELS
from lora_rules.recipe import Blocks, Span

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Steps


@rule(
    "LL813",
    Severity.WARNING,
    evidence=[
        ARITHMETIC.says("An interval longer than the run has no multiple in it."),
        TRANSFORMERS_WHEELS.says(
            "The Trainer evaluates where eval_steps divides the step; from 5.4 on also at the end."
        ),
    ],
)
def evaluation_beyond_run(
    blocks: Blocks,
    framework: Behaviour,
    training_steps: Steps,
    eval_strategy: str | None = None,
) -> Iterator[Problem]:
    """The first evaluation would come after the last step.

    ## What it checks
    `eval_steps` is larger than the number of steps of the run (`max_steps`, or rows, epochs and
    batch), and evaluation is by steps.

    - With a `max_steps` of 50 or fewer it is an info.

    ## Why it matters
    Nothing is evaluated while the run goes on, so that neither early stopping nor the choice of
    the best checkpoint can work. transformers evaluates once at the end from 5.4 on, before that
    never.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    dataset: alpaca_en_demo
    val_size: 0.1
    eval_strategy: steps
    eval_steps: 500  # LL813: 500
    max_steps: 300
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    dataset: alpaca_en_demo
    val_size: 0.1
    eval_strategy: steps
    eval_steps: 50
    max_steps: 300
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When one evaluation at the end is enough.

    ## Options
    None.
    """
    if eval_strategy is not None and eval_strategy != "steps":
        return
    if eval_strategy is None and not framework.evaluates_by_interval:
        return
    found = _number(blocks, "eval_steps")
    if found is None:
        return
    interval, span = found
    if interval > 1 and interval > training_steps.number:
        yield Problem(
            span,
            f"eval_steps = {interval:g} and the run has {training_steps.text} steps: nothing is "
            "evaluated on the way.",
            severity=Severity.INFO if _is_trial(training_steps) else Severity.WARNING,
            help=f"Set eval_steps to {max(training_steps.number // 5, 1)}.",
            also=("max_steps",) if not training_steps.from_data else ("num_train_epochs",),
        )


def _is_trial(steps: Steps) -> bool:
    """Whether somebody wrote so few steps that the run can only be meant to show that it runs."""
    return not steps.from_data and steps.number <= 50


def _number(blocks: Blocks, name: str) -> tuple[float, Span] | None:
    """A number under that key, in whichever framework, and its place."""
    for block in blocks:
        for key in block.keys:
            value = key.candidates[0] if len(key.candidates) == 1 else None
            if key.name.rpartition(".")[2] != name or isinstance(value, bool):
                continue
            if isinstance(value, int | float) and abs(value) < LARGEST:
                return float(value), key.value_span or key.span
    return None
