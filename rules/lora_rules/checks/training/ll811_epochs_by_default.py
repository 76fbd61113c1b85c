"""Rule LL811, epochs-by-default."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import number_of
from lora_rules.evidence import TRANSFORMERS_WHEELS
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.engine.views import Outline
    from lora_rules.facts.versions.pins import Pins


@rule(
    "LL811",
    Severity.INFO,
    evidence=[
        TRANSFORMERS_WHEELS.says("TrainingArguments has num_train_epochs = 3.0 in every version."),
    ],
)
def epochs_by_default(
    outline: Outline,
    blocks: Blocks,
    framework: Behaviour,
    num_train_epochs: Setting,
    pins: Pins,
    max_steps: int | None = None,
    training_kind: str = "",
) -> Iterator[Problem]:
    """The number of epochs is the framework's, and it is more than one.

    ## What it checks
    Neither epochs nor `max_steps` are written, and the framework fills in more than one epoch: 3 in
    transformers and TRL.

    - Reinforcement learning, which plays each prompt many times, is not checked.

    ## Why it matters
    The run takes three times as long as one pass over the data, and the learning rate is
    scheduled over all of it. Three epochs may be right; that somebody chose them is not visible.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, max_length=2048)  # LL811
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When the default is what you want.

    ## Options
    None.
    """
    epochs = number_of(num_train_epochs)
    if not is_silent(num_train_epochs) or (max_steps or 0) > 0 or epochs <= 1:
        return
    if training_kind == "reinforcement" or not framework.library_defaults:
        return
    if outline.trains and holds_when_pinned(num_train_epochs, pins):
        yield Problem(
            place_of(num_train_epochs, blocks),
            f"the run has {epochs:g} epochs because nothing else is written.",
            help="Write num_train_epochs, also where the default is meant.",
            also=("num_train_epochs",),
        )
