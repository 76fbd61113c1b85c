"""Rule LL801, full-ft-learning-rate."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.training.learning_rate import Repair, restarted
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Known, Value, is_given, number_of
from lora_rules.evidence import (
    SCHULMAN_2025,
    TINKER_FORMULA,
    TINKER_SWEEP,
    TRANSFORMERS_SOURCE,
    TRL_SOURCE,
)
from lora_rules.facts.adapter.good_step import ENOUGH
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.engine.views import Outline
    from lora_rules.facts.versions.pins import Pins


@rule(
    "LL801",
    Severity.WARNING,
    evidence=[
        SCHULMAN_2025.says(
            "The best learning rate of LoRA is consistently 10 times that of full fine-tuning: a "
            "fit to 14 Llama and Qwen models found 9.8."
        ),
        TINKER_SWEEP.says(
            "At 4e-5 the lowest loss of a model is 2.6 % (median of 35 models) and up to 9.9 % "
            "above its best, at 1e-4 1.1 % and up to 6.5 %."
        ),
        TINKER_FORMULA.says(
            "5e-4 x (2000 / hidden size) ^ 0.781 for Llama and ^ 0.0775 for Qwen: 2.9e-4 for "
            "Llama-3.1-8B, 1.7e-4 for 70B, 4.6e-4 for Qwen3-32B."
        ),
        TRL_SOURCE.says("SFTConfig sets a learning rate of 2e-5, DPOConfig one of 1e-6."),
        TRANSFORMERS_SOURCE.says("TrainingArguments sets a learning rate of 5e-5."),
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
    step_size: Value,
    good_step: Lazy,
    pins: Pins,
    loraplus_lr_ratio: float | None = None,
    *,
    min: float = 2e-5,  # noqa: A002 - the option's name, as users write it
    usual: float = 1e-4,
) -> Iterator[Problem]:
    """The learning rate of a full fine-tune, in a run that trains an adapter.

    ## What it checks
    In supervised fine-tuning with an optimizer of the Adam family, a `learning_rate` below `min`
    (warning) or below `usual` (info).

    - A default counts too, and the message says whose it is: a warning below half of `usual`.
    - A high `lora_alpha` makes up for a low rate from `learning_rate x lora_alpha` (with rsLoRA
      times `sqrt(r)`) of 0.001 on: a written rate is not checked, a default is an info.
    - Not checked: LoRA+, adapters that are trained further, plain-text pretraining, preference and
      reward methods.

    ## Why it matters
    LoRA's best learning rate is ten times that of a full fine-tune: 9.8 times over 14 models. In a
    sweep over 35 models the best was 3e-4 to 1e-3 for 34 of them; 4e-5 cost 2.6 % of the loss at
    the median and 9.9 % at most, and hid the differences between ranks. The frameworks' defaults
    (transformers 5e-5, TRL's SFTConfig 2e-5) are those of full fine-tuning. Of the official
    recipes 4.2 % are warned.

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
    - `usual` (0.0001): the lowest that passes without an info.
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
    repair = restarted(learning_rate, _value(lora_alpha), good_step)
    if _alpha_makes_up(lora_alpha, step_size):
        if not silent:
            return
        severity = Severity.INFO
        high = "Write the rate that is meant; lora_alpha is high enough to make up for it."
        repair = Repair(high, ())
    yield Problem(
        place_of(learning_rate, blocks),
        f"learning_rate = {value:g} is a full fine-tune's; LoRA's best is about ten times "
        "that (in a sweep over 35 models 3e-4 to 1e-3, and 4e-5 lost up to 9.9 %).",
        severity=severity,
        help=repair.help,
        also=("learning_rate",),
        edits=repair.edits,
    )


def _too_low(rate: float, least: float, usual: float, *, silent: bool) -> Severity | None:
    if rate >= usual:
        return None
    return Severity.WARNING if rate < (usual / 2 if silent else least) else Severity.INFO


def _alpha_makes_up(alpha: Value, step_size: Value) -> bool:
    """Whether alpha is, or may be, so high that the step is as large as usual."""
    if isinstance(alpha, Absent):
        return False
    return not isinstance(step_size, int | float) or step_size >= ENOUGH


def _value(value: Value) -> object:
    return value.value if isinstance(value, Known) else None
