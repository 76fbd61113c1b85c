"""Rule LL611, float32-embeddings."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import MEMORY_TRAPS
from lora_rules.recipe import Blocks
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.model.architecture import Architecture
from lora_rules.checks.memory.memory_traps import LOADERS


@rule(
    "LL611",
    Severity.INFO,
    evidence=[
        MEMORY_TRAPS.says(
            "prepare_model_for_kbit_training casts every float16 and bfloat16 parameter that is "
            "no Params4bit to float32; TRL has not called it since 0.26."
        ),
    ],
)
def float32_embeddings(
    blocks: Blocks,
    architecture: Architecture,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    pinned_trl: VersionRange = ANY,
    *,
    min_gib: float = 1.0,
) -> Iterator[Problem]:
    """`prepare_model_for_kbit_training` makes embeddings and head float32, and TRL needs it not.

    ## What it checks
    A script calls PEFT's `prepare_model_for_kbit_training` on a quantized model and trains it with
    TRL, and the float32 copies take at least `min_gib`.

    - With transformers' own `Trainer` the call is not reported (LL504).

    ## Why it matters
    PEFT casts every parameter in 16 bits that is not a 4-bit weight, the embedding and the head
    among them: 2.0 GiB for Llama-3.1-8B. TRL's `SFTTrainer` has not made the call since 0.26; what
    else it does, gradient checkpointing and inputs that require gradients, is the trainer's own
    setting.

    ## Bad
    ```python
    from peft import LoraConfig, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    bnb = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype="bfloat16"
    )
    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bnb)
    model = prepare_model_for_kbit_training(model)  # LL611: prepare_model_for_kbit_training(model)
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(model=model, args=args, peft_config=lora)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    bnb = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype="bfloat16"
    )
    base = "meta-llama/Llama-3.1-8B"
    model = AutoModelForCausalLM.from_pretrained(base, quantization_config=bnb)
    args = SFTConfig(
        learning_rate=2e-4, num_train_epochs=1, max_length=2048, bf16=True
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = SFTTrainer(model=model, args=args, peft_config=lora)
    ```

    ## When to ignore it
    When the memory is there, or training in float16 is not stable without it.

    ## Options
    - `min_gib` (1.0): less than this many GiB is not reported.
    """
    if not (load_in_4bit or load_in_8bit) or not _trl_trains(blocks, pinned_trl):
        return
    other = architecture.parameters - architecture.linear_parameters
    cast = other - sum(each.parameters for each in architecture.modules.fused_experts)
    if 2 * cast < min_gib * GIB:
        return
    for block in blocks:
        if block.receiver == "peft.prepare_model_for_kbit_training":
            yield Problem(
                block.span,
                f"this makes the {cast / 1e9:.2f} billion parameters that are not quantized "
                f"(embeddings, head, norms) float32: {2 * cast / GIB:.1f} GiB more.",
                help="TRL needs no such call; gradient_checkpointing is a setting of its trainer.",
            )


def _trl_trains(blocks: Blocks, trl: VersionRange) -> bool:
    """Whether a trainer of TRL that makes no such call itself gets the model."""
    new = not trl.certainly_below("0.26")
    return new and any(block.receiver in LOADERS for block in blocks)
