"""Rule LL305, dropout-disables-fast-path."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    UNSLOTH_DOCS,
)


@rule(
    "LL305",
    Severity.INFO,
    evidence=[
        UNSLOTH_DOCS.says(
            "A layer gets the fused kernels only where lora_dropout is 0 and bias is "
            "none; else it warns."
        ),
    ],
)
def dropout_disables_fast_path(
    framework: Behaviour, lora_dropout: float = 0.0, bias: str = "none"
) -> Iterator[Problem]:
    """A setting with which Unsloth leaves its fused kernels unused.

    ## What it checks
    An Unsloth adapter with `lora_dropout` above zero or a `bias` other than "none".

    ## Why it matters
    Unsloth patches a layer with its fused LoRA kernels only without dropout and bias; otherwise
    it prints a warning and trains that layer the usual, slower way.

    ## Bad
    ```python
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", max_seq_length=2048)
    model = FastLanguageModel.get_peft_model(
        model,
        r=16,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]
        + ["gate_proj", "up_proj", "down_proj"],
        lora_dropout=0.05,  # LL305: 0.05
    )
    ```

    ## Good
    ```python
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", max_seq_length=2048)
    model = FastLanguageModel.get_peft_model(
        model,
        r=16,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]
        + ["gate_proj", "up_proj", "down_proj"],
        lora_dropout=0,
    )
    ```

    ## When to ignore it
    When the dropout is worth the time.

    ## Options
    None.
    """
    if not framework.fused_kernels:
        return
    if lora_dropout > 0:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g}: Unsloth uses its fused kernels only without "
            "dropout, and warns.",
            help="Set lora_dropout to 0.",
            edits=(Set("lora_dropout", 0.0),),
        )
    elif bias != "none":
        yield Problem(
            "bias",
            f'bias = "{bias}": Unsloth uses its fused kernels only without biases, and warns.',
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )
