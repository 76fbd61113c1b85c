"""Rule LL507, conflicting-quantization."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import TRANSFORMERS_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.model.checkpoint_quantization import Checkpoint


@rule(
    "LL507",
    Severity.ERROR,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "from_pretrained raises ValueError where the checkpoint's quantization and the one "
            "it is given are of different classes."
        ),
    ],
)
def conflicting_quantization(
    framework: Behaviour,
    checkpoint_quantization: Checkpoint,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """A checkpoint that is quantized already is told to quantize itself with bitsandbytes.

    ## What it checks
    `load_in_4bit` or `load_in_8bit` is on for a base model that is stored as GPTQ, AWQ, FP8 or
    another kind.

    - An error where its local `config.json` says so, a warning where the name of a hub model does.
    - Checkpoints stored by bitsandbytes itself are not checked.

    ## Why it matters
    transformers raises ValueError, 5.24 as well as 4.56: the model's quantization and the one it is
    given are not of the same class.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    bits = BitsAndBytesConfig(
        load_in_4bit=True,  # LL507: True
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype="bfloat16",
    )
    model = AutoModelForCausalLM.from_pretrained(
        "TheBloke/Llama-2-7B-GPTQ", quantization_config=bits
    )
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("TheBloke/Llama-2-7B-GPTQ")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When the name says something that the checkpoint is not.

    ## Options
    None.
    """
    method = checkpoint_quantization.method
    if not (load_in_4bit or load_in_8bit) or method in ("", "bitsandbytes"):
        return
    if not framework.adapter_as_written:
        return
    known = "its config.json says" if checkpoint_quantization.certain else "its name says"
    yield Problem(
        "load_in_4bit" if load_in_4bit else "load_in_8bit",
        f"the base model is stored as {method.upper()} ({known}), and bitsandbytes is asked to "
        "quantize it: transformers raises ValueError.",
        severity=Severity.ERROR if checkpoint_quantization.certain else Severity.WARNING,
        help="Remove it, or name the 16-bit model.",
        also=("model_name_or_path",),
    )
