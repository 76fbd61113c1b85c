"""Rule LLA03, nothing-saved."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value, certainly, is_given, number_of, required
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import TRANSFORMERS_WHEELS
from lora_rules.facts.run.framework_defaults import place_of
from lora_rules.program import Program, any_within
from lora_rules.recipe import Blocks, Call, Setting

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Steps


KEEPS = ("save", "push", "export", "merge", "upload", "dump", "convert", "generate", "eval")
"""Words in the names of calls after which a trained model was not in vain, or may not have been."""


@rule(
    "LLA03",
    Severity.WARNING,
    evidence=[
        TRANSFORMERS_WHEELS.says(
            "The Trainer saves where save_steps divides the step; from 4.42 on also at the end, "
            'unless the strategy is "no".'
        ),
    ],
)
def nothing_saved(
    program: Program,
    blocks: Blocks,
    save_strategy: Setting,
    save_steps: Value,
    at_module_level: Value,
    push_to_hub: Value,
    training_steps: Steps | None = None,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """The script trains, saves nothing, and does nothing with what it trained.

    ## What it checks
    A script trains with `save_strategy="no"`, or with transformers pinned below 4.42 and a
    `save_steps` that the run does not reach, and nothing after `train()` saves, uploads, merges,
    evaluates or generates.

    - Only what stands in the script itself is checked: what a function makes may be saved by
      whoever calls it.
    - A trainer or model that is given to code which is not seen may be saved there.

    ## Why it matters
    When the process ends the adapter is gone. From 4.42 on transformers saves at the end of the
    run whatever `save_steps` is, unless the strategy is "no".

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        save_strategy="no",  # LLA03: "no"
    )
    trainer = SFTTrainer(
        model="my-company/base-7B", args=args, peft_config=config, train_dataset=load()
    )
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        save_strategy="no",
    )
    trainer = SFTTrainer(
        model="my-company/base-7B", args=args, peft_config=config, train_dataset=load()
    )
    trainer.train()
    trainer.save_model("adapter")
    ```

    ## When to ignore it
    When only the time or the memory of the run is measured.

    ## Options
    None.
    """
    train = next((call for call in program.calls.named(".train") if call.on), None)
    if train is None or not certainly(at_module_level, True):
        return
    if _may_push(push_to_hub) or _may_keep(program, blocks, train):
        return
    if save_strategy.value == "no":
        yield Problem(
            place_of(save_strategy, blocks),
            "nothing is saved: the strategy is no, and no call after train() keeps the adapter.",
            help="Call trainer.save_model() after train(), or remove save_strategy.",
            also=(train.span,),
        )
    elif save_strategy.value != "steps" or not pinned_transformers.certainly_below("4.42"):
        return  # later versions save at the end
    elif isinstance(save_steps, Known) and training_steps is not None:
        yield from _never_reached(save_steps.setting, blocks, train, training_steps)
    else:
        required(save_steps)


def _never_reached(
    save_steps: Setting, blocks: Blocks, train: Call, steps: Steps
) -> Iterator[Problem]:
    interval = number_of(save_steps)
    if interval > steps.number:
        yield Problem(
            place_of(save_steps, blocks),
            f"nothing is saved: save_steps = {interval:g} and the run has {steps.text} steps; "
            "transformers saves at the end from 4.42 on.",
            help="Call trainer.save_model() after train().",
            also=(train.span, "save_steps"),
        )


def _may_push(push_to_hub: Value) -> bool:
    return is_given(push_to_hub) and not certainly(push_to_hub, False)


def _may_keep(program: Program, blocks: Blocks, train: Call) -> bool:
    """Whether something else may keep what was trained."""
    if any(key.name == "callbacks" for block in blocks for key in block.keys):
        return True
    calls = program.calls
    return any_within(calls.where(_keeps), calls.position(train), len(calls))


def _keeps(call: Call) -> bool:
    named = call.name.lower()
    return any(word in named for word in KEEPS) or (not named and bool(call.things or call.on))
