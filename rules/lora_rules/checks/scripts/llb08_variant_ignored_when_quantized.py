"""Rule LLB08, variant-ignored-when-quantized."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS


@rule(
    "LLB08",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "On a 4-bit base each of the four leaves the layers without a variant; DoRA is "
            "applied, and VeLoRA raises ValueError."
        ),
        PEFT_SOURCE.says(
            "QALoRA is only implemented in GPTQ for now; the bitsandbytes layers return a "
            "variant for Arrow, aLoRA and DoRA only."
        ),
    ],
)
def variant_ignored_when_quantized(
    kasa_config: Value,
    use_bdlora: Value,
    monteclora_config: Value,
    use_qalora: Value,
    velora_config: Value,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """A LoRA variant is asked for that PEFT does not apply to bitsandbytes layers.

    ## What it checks
    `kasa_config`, `use_bdlora`, `monteclora_config` or `use_qalora` with a base in 4 or 8 bits by
    bitsandbytes.

    - `velora_config` is an error there: PEFT raises ValueError.

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
    variants: Mapping[str, tuple[str, Value]] = {
        "kasa_config": ("KaSA", kasa_config),
        "use_bdlora": ("BD-LoRA", use_bdlora),
        "monteclora_config": ("MonteCLoRA", monteclora_config),
        "use_qalora": ("QALoRA", use_qalora),
    }
    for name, (label, variant) in variants.items():
        if _is_on(variant):
            yield Problem(
                name,
                f"PEFT does not apply {label} to bitsandbytes layers: plain LoRA is trained.",
                help="Leave it out, or load the base in 16 bits.",
            )
    if isinstance(velora_config, Known) and velora_config.value is not None:
        yield Problem(
            "velora_config",
            "PEFT raises ValueError for VeLoRA on bitsandbytes layers.",
            severity=Severity.ERROR,
            help="Leave it out, or load the base in 16 bits.",
        )


def _is_on(variant: Value) -> bool:
    return isinstance(variant, Known) and variant.value not in (None, False)
