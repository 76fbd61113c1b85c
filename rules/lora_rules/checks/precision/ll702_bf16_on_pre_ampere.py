"""Rule LL702, bf16-on-pre-ampere."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import flag_of
from lora_rules.evidence import (
    DEVICE_MEMORY,
    TRANSFORMERS_SOURCE,
)
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu


@rule(
    "LL702",
    Severity.WARNING,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments refuses fp16 together with bf16; BitsAndBytesConfig defaults to fp4."
        ),
        DEVICE_MEMORY.says(
            "A card offers less than the label on its box: an RTX 4090 has 23.5 GiB, a T4 14.6 GiB."
        ),
    ],
)
def bf16_on_pre_ampere(framework: Behaviour, usable_gpu: Gpu, bf16: Setting) -> Iterator[Problem]:
    """Training in bfloat16 on a GPU that cannot compute in it.

    ## What it checks
    `bf16` is true, written or as a default, and the declared GPU is older than Ampere: V100, T4,
    RTX 20xx, P100 and their like.

    ## Why it matters
    These GPUs have no bfloat16 units. transformers raises ValueError when it finds none; where
    torch emulates it instead, each operation is cast to float32 and back, many times slower than
    float16.

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
        f"bf16 on a {usable_gpu.name}, which has no bfloat16: transformers raises, or torch "
        "emulates it slowly.",
        help="Use fp16 there.",
        edits=edits,
    )
