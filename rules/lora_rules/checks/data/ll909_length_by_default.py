"""Rule LL909, length-by-default."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import TRL_SOURCE
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Recipe


@rule("LL909", Severity.INFO, evidence=[TRL_SOURCE])
def length_by_default(
    recipe: Recipe, framework: Behaviour, max_length: int, training_kind: str = ""
) -> Iterator[Problem]:
    """The maximal length is the framework's, and longer examples are cut.

    ## What it checks
    A trainer of TRL whose `max_length` nobody wrote: 1,024 tokens. Where `dataset_kwargs` say that
    the data are prepared elsewhere, it is silent.

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
    if not framework.trl_arguments or recipe.may_be("dataset_kwargs"):
        return
    if training_kind not in ("", "sft", "preference") or not recipe.trains:
        return
    if is_silent(recipe, "max_length") and holds_when_pinned(recipe, "max_length"):
        yield Problem(
            place_of(recipe, "max_length"),
            f"examples are cut at {max_length:,} tokens because nothing else is written.",
            help="Write max_length, after a look at how long the examples are.",
            also=("max_length",),
        )
