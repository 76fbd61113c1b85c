"""Rule LL701, fp16-and-bf16."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import TRANSFORMERS_SOURCE

if TYPE_CHECKING:
    from lora_rules.program import Program


@rule(
    "LL701",
    Severity.ERROR,
    evidence=[
        TRANSFORMERS_SOURCE.says("At most one of fp16 and bf16 can be True, but not both."),
    ],
    without_adapter=True,
)
def fp16_and_bf16(fp16: bool, bf16: bool, program: Program | None = None) -> Iterator[Problem]:
    """Both kinds of 16-bit training at once.

    ## What it checks
    `fp16` and `bf16` are both true, and neither was set after the arguments had been made.

    ## Why it matters
    transformers raises ValueError when the training arguments are built.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    config = LoraConfig(r=16, lora_alpha=32)
    args = TrainingArguments("out", learning_rate=2e-4, bf16=True, fp16=True)  # LL701: True
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    learning_rate: 2.0e-4
    bf16: true
    fp16: true  # LL701: true
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import TrainingArguments

    config = LoraConfig(r=16, lora_alpha=32)
    args = TrainingArguments(output_dir="out", learning_rate=2e-4, bf16=True)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if program is not None and program.calls.named("=fp16", "=bf16"):
        return  # the constructor has compared them already
    if fp16 and bf16:
        yield Problem(
            "fp16",
            "fp16 and bf16 are both on: transformers raises ValueError at construction.",
            help="Keep bf16 on Ampere and newer, fp16 on older GPUs.",
            also=("bf16",),
        )
