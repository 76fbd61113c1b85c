"""Rule LL702, bf16-on-pre-ampere."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import flag_of
from lora_rules.evidence import DEVICE_MEMORY, TORCH_SOURCE
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu


@rule(
    "LL702",
    Severity.WARNING,
    evidence=[
        TORCH_SOURCE.says(
            "is_bf16_supported() counts emulated bfloat16 on cards before Ampere, and "
            "transformers asks it so."
        ),
        DEVICE_MEMORY.says("The table says of each card whether it is of Ampere or newer."),
    ],
)
def bf16_on_pre_ampere(framework: Behaviour, usable_gpu: Gpu, bf16: Setting) -> Iterator[Problem]:
    """Training in bfloat16 on a GPU that cannot compute in it.

    ## What it checks
    `bf16` is true, written or as a default, and the declared GPU is older than Ampere: V100, T4,
    RTX 20xx, P100 and their like.

    - Not checked where the framework trains in float16 there (Unsloth).

    ## Why it matters
    These GPUs have no bfloat16 units: torch emulates it in float32, without the optimized kernels.
    transformers lets it pass, because torch calls that supported; torch 2.2 did not, and
    transformers raised ValueError.

    ## Bad
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: true  # LL702: true
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=T4
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    bf16: false
    fp16: true
    ```

    ## When to ignore it
    When the declared GPU is not the one of this run.

    ## Options
    None.
    """
    if not flag_of(bf16) or usable_gpu.bf16 is not False or framework.falls_back_to_fp16:
        return
    edits: tuple[Edit, ...] = (Set("bf16", False), Set("fp16", True)) if bf16.written else ()
    yield Problem(
        "bf16",
        f"bf16 on a {usable_gpu.name}, which has no bfloat16: torch emulates it in float32.",
        help="Use fp16 there.",
        edits=edits,
    )
