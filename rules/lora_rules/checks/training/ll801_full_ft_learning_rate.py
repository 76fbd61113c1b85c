"""Rule LL801, full-ft-learning-rate."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import LARGE, rate
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.types import LARGEST
from lora_rules.engine.value import Absent, Known, Value, is_given, number_of
from lora_rules.evidence import (
    SCHULMAN_2025,
    TINKER_SWEEP,
    TRL_SOURCE,
)
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.engine.views import Outline
    from lora_rules.facts.versions.pins import Pins

ENOUGH = 1e-3
"""``learning_rate x lora_alpha`` from which a low rate is made up for by a high alpha."""


@rule(
    "LL801",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "With lora_alpha=32 fixed the best learning rate moves less than twofold from "
            "r=4 to r=512; lora_alpha x learning rate sets the early slope."
        ),
        TINKER_SWEEP.says(
            "The best learning rate is 3e-4 or 1e-3 in most; 4e-5 costs 2.6 % of the loss "
            "at the median and 9.9 % at most; nearly every run at 3e-3 diverged "
            "(lora_alpha=32, Adam)."
        ),
        TRL_SOURCE.says(
            "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a "
            "max_length of 1024 (from 0.16 on); packing without a flash attention lets "
            "examples see each other."
        ),
    ],
)
def full_ft_learning_rate(
    outline: Outline,
    blocks: Blocks,
    learning_rate: Setting,
    lora_alpha: Value,
    training_kind: str,
    optimizer_family: str,
    adapter_name_or_path: Value,
    resume_from_checkpoint: Value,
    model_size: Lazy,
    pins: Pins,
    loraplus_lr_ratio: float | None = None,
    *,
    min: float = 2e-5,  # noqa: A002 - the option's name, as users write it
    usual: float = 5e-5,
) -> Iterator[Problem]:
    """The learning rate of a full fine-tune, in a run that trains an adapter.

    ## What it checks
    Supervised fine-tuning with an optimizer of the Adam family and a `learning_rate` below `min`
    (warning) or below `usual` (info). Half of that from 30 billion parameters on. A rate that
    nobody wrote counts too, and the message says whose default it is: below `usual` it is a
    warning, at `usual` an info. Where a high `lora_alpha` makes up for it
    (`learning_rate x lora_alpha` of 0.001 and more), a written rate is left alone; so are LoRA+,
    adapters that are trained further, plain-text pretraining, and preference or reward methods.

    ## Why it matters
    LoRA's best learning rate is about ten times that of a full fine-tune: 9.8 times over 14
    models. In a sweep over 35 models the best was 3e-4 or 1e-3 in most; 4e-5 cost 2.6 % of the
    loss at the median and 9.9 % at worst, and hid every difference between ranks. The
    frameworks' own defaults (transformers 5e-5, TRL's SFTConfig 2e-5, DPOConfig 1e-6) are meant
    for full fine-tuning. Of the official recipes 3.6 % are warned; by that evidence
    they are too low.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(num_train_epochs=1, max_length=2048)  # LL801
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 16
    lora_target_linear: true
    learning_rate: 1.0e-5  # LL801: 1.0e-5
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
    When the run anneals a model that is trained already, or your own sweep chose the rate.

    ## Options
    - `min` (2e-05): the lowest rate that passes without a warning.
    - `usual` (5e-05): the lowest that passes without a word.
    """
    value = number_of(learning_rate)
    if training_kind != "sft" or optimizer_family != "adam" or not outline.trains:
        return
    continues = is_given(adapter_name_or_path) or is_given(resume_from_checkpoint)
    if loraplus_lr_ratio is not None or continues or value <= 0:
        return
    silent = is_silent(learning_rate)
    severity = _too_low(value, min, usual, silent=silent)
    if severity is None or (silent and not holds_when_pinned(learning_rate, pins)):
        return
    large = model_size().is_large(LARGE)
    if large:
        severity = _too_low(2 * value, min, usual, silent=silent)
    made_up = _alpha_makes_up(lora_alpha, value)
    if made_up and silent:
        severity = Severity.INFO
    if severity is None or (made_up and not silent):
        return
    better = 1e-4 if large else 2e-4
    yield Problem(
        place_of(learning_rate, blocks),
        f"learning_rate = {value:g} is a full fine-tune's; LoRA's best is about ten times "
        "that (in a sweep over 35 models 3e-4 or 1e-3, and 4e-5 lost up to 9.9 %).",
        severity=severity,
        help="Write the rate that is meant; lora_alpha is high enough to make up for it."
        if made_up
        else f"Start at {better:g}.",
        also=("learning_rate",),
        edits=() if made_up else (rate(learning_rate, better),),
    )


def _too_low(rate: float, least: float, usual: float, *, silent: bool) -> Severity | None:
    if silent:
        return Severity.WARNING if rate < usual else Severity.INFO if rate <= usual else None
    if rate < least:
        return Severity.WARNING
    return Severity.INFO if rate < usual else None


def _alpha_makes_up(alpha: Value, rate: float) -> bool:
    """Whether alpha is, or may be, so high that the step is as large as usual."""
    if isinstance(alpha, Absent):
        return False
    value = alpha.value if isinstance(alpha, Known) else None
    if not isinstance(value, int | float) or abs(value) >= LARGEST:
        return True
    return value * rate >= ENOUGH
