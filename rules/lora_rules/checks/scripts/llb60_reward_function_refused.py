"""Rule LLB60, reward-function-refused."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import REWARD_FUNCTION_ISSUES, TRL_CALLBACKS
from lora_rules.program import Program
from lora_rules.recipe import Signature

_GIVEN = (("prompts", ""), ("completions", ""), ("completion_ids", "0.18"))
"""What the trainer gives every reward function, and the TRL that began to."""


@rule(
    "LLB60",
    Severity.ERROR,
    evidence=[
        TRL_CALLBACKS.says(
            "GRPOTrainer calls a reward function with prompts, completions and, since 0.18, "
            "completion_ids by name, and refuses a list of another length."
        ),
        REWARD_FUNCTION_ISSUES.says(
            "A function without **kwargs raises a TypeError; until TRL compared the lengths, one "
            "reward was given to every completion."
        ),
    ],
    calls=("=reward_funcs",),
)
def reward_function_refused(program: Program, pinned_trl: VersionRange = ANY) -> Iterator[Problem]:
    """A reward function does not take what the trainer gives, or gives one reward for all.

    ## What it checks
    A function of the file that is handed over as `reward_funcs`.

    - It has no `**kwargs` and lacks one of `prompts`, `completions` and `completion_ids`.
    - Every `return` gives a number, or a list of one.
    - Left out: functions that are decorated, made by other functions, or imported.

    ## Why it matters
    The trainer gives all of these by name, besides every column of the data: without `**kwargs` the
    first step raises a TypeError. It expects one reward a completion. TRL 1.16 raises where the
    lengths differ; before, one number was given to the whole batch, every advantage was 0, and
    nothing was learned.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer


    def is_short(prompts, completions):  # LLB60: is_short
        return [float(len(text) < 200) for text in completions]


    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = GRPOConfig("out", learning_rate=1e-5, max_steps=500)
    GRPOTrainer(load_model(), is_short, args=args, train_dataset=load(), peft_config=lora).train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer


    def is_short(completions, **kwargs):
        return [float(len(text) < 200) for text in completions]


    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = GRPOConfig("out", learning_rate=1e-5, max_steps=500)
    GRPOTrainer(load_model(), is_short, args=args, train_dataset=load(), peft_config=lora).train()
    ```

    ## When to ignore it
    When the trainer is one of your own that calls its rewards differently.

    ## Options
    None.
    """
    for call in program.calls.named("=reward_funcs"):
        for function in call.signatures:
            yield from _not_taken(function, pinned_trl)
            if function.gives in ("one", "number"):
                many = "a list of one" if function.gives == "one" else "a number"
                yield Problem(
                    function.returns[0],
                    f"{function.name} gives {many} for the whole batch: the trainer expects one "
                    "reward a completion.",
                    help="Give a list with a reward for each of the completions.",
                    also=(call.span,),
                )


def _not_taken(function: Signature, pinned_trl: VersionRange) -> Iterator[Problem]:
    lacking = [
        (name, since)
        for name, since in _GIVEN
        if name not in function.parameters and not (since and pinned_trl.certainly_below(since))
    ]
    if function.is_open or not lacking:
        return
    names = ", ".join(name for name, _ in lacking)
    certain = all(not since or pinned_trl.certainly_at_least(since) for _, since in lacking)
    yield Problem(
        function.span,
        f"{function.name} does not take {names}, which the trainer gives by name: a TypeError.",
        severity=None if certain or not pinned_trl.bounded else Severity.WARNING,
        help="Take **kwargs.",
    )
