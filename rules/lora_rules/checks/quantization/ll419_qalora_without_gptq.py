"""Rule LL419, qalora-without-gptq."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.quantization.quantization import stored_in_bits
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Value, certainly
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint
    from lora_rules.facts.model.inventory import Inventory


@rule(
    "LL419",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "use_qalora is read in tuners/lora/gptq.py; Linear and the other layers do not "
            "look at it."
        ),
    ],
)
def qalora_without_gptq(
    blocks: Blocks,
    outline: Outline,
    framework: Behaviour,
    use_qalora: bool,
    inventory: Inventory,
    checkpoint_quantization: Checkpoint,
    load_in_4bit: Value,
    load_in_8bit: Value,
) -> Iterator[Problem]:
    """QA-LoRA is asked for, and the base model has no GPTQ layers.

    ## What it checks
    `use_qalora` is on, and the base model is known and loaded without GPTQ.

    - Not checked: bitsandbytes' layers, of which LLB08 says so.

    ## Why it matters
    Only PEFT's GPTQ layers read the setting. Elsewhere plain LoRA is trained, and PEFT says
    nothing: what was to be tried is not what runs.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        use_qalora=True,  # LL419: True
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("TheBloke/Llama-2-7B-GPTQ")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", use_qalora=True)
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When another file quantizes the model.

    ## Options
    None.
    """
    if not use_qalora or not framework.adapter_as_written or outline.result:
        return
    quantized = any(
        not isinstance(width, Absent) and not certainly(width, False)
        for width in (load_in_4bit, load_in_8bit)
    )
    gptq = any("gptq" in block.receiver.lower() for block in blocks)
    if not quantized and not gptq and not stored_in_bits(checkpoint_quantization):
        yield Problem(
            "use_qalora",
            f"use_qalora is for GPTQ layers, and this {inventory.model_type} model has none: plain "
            "LoRA is trained.",
            help="Remove it.",
        )
