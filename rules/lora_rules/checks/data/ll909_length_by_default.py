"""Rule LL909, length-by-default."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, is_given, number_of
from lora_rules.evidence import TRL_SOURCE
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.engine.views import Outline
    from lora_rules.facts.versions.pins import Pins


@rule(
    "LL909",
    Severity.INFO,
    evidence=[
        TRL_SOURCE.says(
            "SFTConfig, DPOConfig and KTOConfig have a max_length of 1,024; a longer example keeps "
            "its start, and nothing is printed."
        ),
    ],
)
def length_by_default(
    outline: Outline,
    blocks: Blocks,
    framework: Behaviour,
    max_length: Setting,
    dataset_kwargs: Value,
    pins: Pins,
    training_kind: str = "",
) -> Iterator[Problem]:
    """The maximal length is the framework's, and longer examples are cut.

    ## What it checks
    A trainer of TRL has a `max_length` that nobody wrote: 1,024 tokens.

    - Where `dataset_kwargs` say that the data are prepared elsewhere, it is not checked.

    ## Why it matters
    Longer examples lose their end, and with it the token that says that the answer is over. TRL
    does not say how many there are.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1)  # LL909
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When all examples are shorter.

    ## Options
    None.
    """
    tokens = number_of(max_length)
    if not framework.trl_arguments or is_given(dataset_kwargs):
        return
    if training_kind not in ("", "sft", "preference") or not outline.trains:
        return
    if is_silent(max_length) and holds_when_pinned(max_length, pins):
        yield Problem(
            place_of(max_length, blocks),
            f"examples are cut at {tokens:,} tokens because nothing else is written.",
            help="Write max_length, after a look at how long the examples are.",
            also=("max_length",),
        )
