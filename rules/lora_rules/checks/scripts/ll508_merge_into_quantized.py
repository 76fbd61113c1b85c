"""Rule LL508, merge-into-quantized."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    base_load,
    quantized,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing


@rule(
    "LL508",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "After merge_and_unload into a 4-bit base the loss differs; PEFT warns of rounding "
            "errors."
        ),
    ],
)
def merge_into_quantized(program: Program) -> Iterator[Problem]:
    """The adapter is merged into a quantized base.

    ## What it checks
    `merge_and_unload()` on a model that is certainly loaded in 4 or 8 bits.

    - Not checked: a model that is dequantized first.

    ## Why it matters
    The weights are dequantized, the adapter is added, and the sum is rounded to 4 or 8 bits again.
    In a layer of normal weights in NF4, a change of a tenth of their standard deviation keeps 84 %
    of its size, one of a twentieth 28 %, and one of a hundredth 2 %. PEFT warns of "rounding
    errors": the merged model answers differently from the one that was evaluated.

    ## Bad
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    base = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B", quantization_config=four_bits
    )
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()  # LL508: model.merge_and_unload()
    ```

    ## Good
    ```python
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B", dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base, "my-adapter")
    model = model.merge_and_unload()
    ```

    ## When to ignore it
    When the merged model is measured, and good enough.

    ## Options
    None.
    """
    calls = program.calls
    for call in calls.named(".merge_and_unload"):
        load = base_load(calls, call.on)
        if load is None or quantized(calls, load) is None or not load.certain_after(call):
            continue
        if call.on is not None and not calls.places(_dequantizes, call.on):
            yield Problem(
                call.span,
                f"the base is quantized (line {load.span.line}): merging rounds the sum to its few "
                "bits again, and part of what was trained is lost.",
                help="Load the base in 16 bits, load the adapter onto it, and merge there.",
                also=(load.span,),
            )


def _dequantizes(call: Call, model: Thing) -> bool:
    return call.name == ".dequantize" and call.on == model
