"""Rule LL501, fp4-by-default."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Add, Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import DETTMERS_2023, TRANSFORMERS_SOURCE
from lora_rules.facts.run.framework_defaults import holds_when_pinned, is_silent, place_of
from lora_rules.recipe import Blocks, Setting

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint
    from lora_rules.facts.versions.pins import Pins
from lora_rules.checks.quantization.quantization import stored_in_bits


@rule(
    "LL501",
    Severity.WARNING,
    evidence=[
        TRANSFORMERS_SOURCE.says("BitsAndBytesConfig(load_in_4bit=True) has the type fp4."),
        DETTMERS_2023.says(
            "Mean perplexity is 31.07 with Float4 (E2M1) and 27.41 with NFloat4 and double "
            "quantization; 5-shot MMLU is 52.2 and 53.1, in BFloat16 53.0."
        ),
    ],
)
def fp4_by_default(
    blocks: Blocks,
    load_in_4bit: bool,
    bnb_4bit_quant_type: Setting,
    pins: Pins,
    checkpoint_quantization: Checkpoint | None = None,
) -> Iterator[Problem]:
    """Four bits without a type are FP4, not the NF4 that QLoRA means.

    ## What it checks
    `load_in_4bit` is on and nobody wrote `bnb_4bit_quant_type`, so that the library fills in "fp4".

    - A checkpoint that is stored in 4 bits keeps its own type and is not checked.

    ## Why it matters
    `BitsAndBytesConfig(load_in_4bit=True)` quantizes to FP4. QLoRA's results are NF4's: over models
    of 125M to 13B a mean perplexity of 27.41 with double quantization against FP4's 31.07, and 53.1
    against 52.2 on MMLU, where the 16-bit model has 53.0. Both types take the same memory.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig

    bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.bfloat16)  # LL501
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When FP4 is meant; then write it.

    ## Options
    None.
    """
    if not load_in_4bit or bnb_4bit_quant_type.value != "fp4":
        return
    if not is_silent(bnb_4bit_quant_type) or stored_in_bits(checkpoint_quantization):
        return
    if holds_when_pinned(bnb_4bit_quant_type, pins):
        yield Problem(
            place_of(bnb_4bit_quant_type, blocks),
            "the base model is quantized to FP4: without a type that is what load_in_4bit means; "
            "QLoRA is NF4 (perplexity 27.41 against 31.07).",
            help='Set bnb_4bit_quant_type to "nf4".',
            also=("bnb_4bit_quant_type",),
            edits=(Add("bnb_4bit_quant_type", "nf4"),),
        )
