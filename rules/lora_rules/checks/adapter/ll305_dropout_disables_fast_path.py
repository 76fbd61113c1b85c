"""Rule LL305, dropout-disables-fast-path."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import UNSLOTH_SOURCE


@rule(
    "LL305",
    Severity.INFO,
    evidence=[
        UNSLOTH_SOURCE.says(
            "FastLanguageModel patches the LoRA layers only where lora_dropout is 0 and bias is "
            "none, and else warns of a performance hit."
        ),
    ],
)
def dropout_disables_fast_path(
    framework: Behaviour, outline: Outline, lora_dropout: float = 0.0, bias: str = "none"
) -> Iterator[Problem]:
    """A setting with which Unsloth leaves its fused kernels unused.

    ## What it checks
    An adapter of Unsloth's `FastLanguageModel`, or of Unsloth Studio, with `lora_dropout` above
    zero or a `bias` other than "none".

    - Not checked: `FastModel` and `FastVisionModel`, which do not warn.

    ## Why it matters
    Unsloth patches the LoRA layers with its fused kernels only without dropout and bias. Otherwise
    it warns: "Unsloth will patch all other layers, except LoRA matrices, causing a performance
    hit."

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
    owner = (outline.callee or "").removesuffix(".get_peft_model").rpartition(".")[2]
    if not framework.fused_kernels or owner in framework.without_fused_kernels:
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
