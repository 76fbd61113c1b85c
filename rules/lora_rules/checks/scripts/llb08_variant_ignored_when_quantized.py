"""Rule LLB08, variant-ignored-when-quantized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.recipe import Recipe

VARIANTS: Mapping[str, str] = {
    "kasa_config": "KaSA",
    "use_bdlora": "BD-LoRA",
    "monteclora_config": "MonteCLoRA",
    "use_qalora": "QALoRA",
}


@rule("LLB08", Severity.WARNING, evidence=[PEFT_SOURCE, SCRIPT_RUNS])
def variant_ignored_when_quantized(
    recipe: Recipe, load_in_4bit: bool = False, load_in_8bit: bool = False
) -> Iterator[Problem]:
    """A LoRA variant is asked for that PEFT does not apply to bitsandbytes layers.

    ## What it checks
    `kasa_config`, `use_bdlora`, `monteclora_config` or `use_qalora` with a base in 4 or 8 bits by
    bitsandbytes. `velora_config` is an error there: PEFT raises ValueError.

    ## Why it matters
    The bitsandbytes layers of PEFT 0.21.2 know DoRA, Arrow and aLoRA; other variants are dropped
    without a word, and plain LoRA is trained. QALoRA is for GPTQ layers only.

    ## Bad
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        use_qalora=True,  # LLB08: True
    )
    ```

    ## Good
    ```python
    import torch
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if not (load_in_4bit or load_in_8bit):
        return
    for name, label in VARIANTS.items():
        if recipe.known(name) not in (None, False):
            yield Problem(
                name,
                f"PEFT does not apply {label} to bitsandbytes layers: plain LoRA is trained.",
                help="Leave it out, or load the base in 16 bits.",
            )
    if recipe.known("velora_config") is not None:
        yield Problem(
            "velora_config",
            "PEFT raises ValueError for VeLoRA on bitsandbytes layers.",
            severity=Severity.ERROR,
            help="Leave it out, or load the base in 16 bits.",
        )
