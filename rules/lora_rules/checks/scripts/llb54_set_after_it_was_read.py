"""Rule LLB54, set-after-it-was-read."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import UNKNOWN, argument, argument_is
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call

_PRECISIONS = ("bf16", "fp16")
_BEST = "load_best_model_at_end"
_METRIC = "metric_for_best_model"


@rule(
    "LLB54",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "With args.bf16 = True or args.fp16 = True after the constructor the Trainer's "
            "accelerator has no mixed precision; with args.load_best_model_at_end = True Trainer "
            "raises."
        ),
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments.__post_init__ chooses the mixed precision for the Trainer's "
            "accelerator, and fills in metric_for_best_model."
        ),
    ],
    calls=("=bf16", "=fp16", "=load_best_model_at_end"),
)
def set_after_it_was_read(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """A training argument is set after the arguments have been made, and comes too late.

    ## What it checks
    `args.bf16 = True`, `args.fp16 = True` or `args.load_best_model_at_end = True` on a
    `TrainingArguments` that was made without it.

    - The last one is an error, unless `metric_for_best_model` is given.
    - Left alone below transformers 4.36, for the last one below 4.49.

    ## Why it matters
    The constructor chooses the mixed precision, and nobody reads `args.bf16` for that later: there
    is none, and the run trains in the model's own dtype. `load_best_model_at_end` needs a
    metric, which the constructor fills in only where it is on: `Trainer` raises ValueError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    args.bf16 = True  # LLB54: args.bf16
    trainer = Trainer(get_peft_model(model, lora), args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1, bf16=True)
    trainer = Trainer(get_peft_model(model, lora), args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    if calls.named(".__post_init__"):
        return
    for change in calls.named(*(f"={name}" for name in (*_PRECISIONS, _BEST))):
        args = calls.maker(change.on)
        if args is None or not args.name.endswith("TrainingArguments"):
            continue
        name = change.name[1:]
        if not args.name.startswith("transformers.") or not _is_new(args, change, name):
            continue
        if name in _PRECISIONS and not pinned_transformers.certainly_below("4.36"):
            yield Problem(
                change.span,
                f"{name} is set after the training arguments were made, which chose the precision "
                "then: it has no effect.",
                help=f"Give {name}=True to TrainingArguments.",
                also=(args.span,),
            )
        elif name == _BEST and not _has_metric(calls, args):
            if pinned_transformers.certainly_below("4.49"):
                continue
            yield Problem(
                change.span,
                f"{_BEST} is set after the training arguments were made, without {_METRIC}: "
                "Trainer raises ValueError.",
                severity=Severity.ERROR,
                help=f"Give {_BEST}=True to TrainingArguments.",
                also=(args.span,),
            )


def _is_new(args: Call, change: Call, name: str) -> bool:
    """Whether something is turned on that certainly was off in the constructor."""
    if not argument_is(change.arguments.get("value"), value=True):
        return False
    first = argument(args, name, False)
    others = [argument(args, each, False) for each in _PRECISIONS] if name != _BEST else []
    return first in (False, None) and UNKNOWN not in others and True not in others


def _has_metric(calls: Calls, args: Call) -> bool:
    given = argument(args, _METRIC, None)
    return given is not None or any(call.on == args.made for call in calls.named(f"={_METRIC}"))
