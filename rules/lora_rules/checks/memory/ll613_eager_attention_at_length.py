"""Rule LL613, eager-attention-at-length."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.memory.memory_waste import against
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown
from lora_rules.evidence import TRANSFORMERS_SOURCE
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL613",
    Severity.INFO,
    evidence=[
        TRANSFORMERS_SOURCE.says(
            "eager_attention_forward keeps the softmax in float32 and once more in 16 bits; "
            "scaled_dot_product_attention keeps no scores."
        ),
    ],
)
def eager_attention_at_length(
    attn_implementation: str, memory_forecast: Lazy, *, min_gib: float = 2.0
) -> Iterator[Problem]:
    """Eager attention holds the scores of every head for every pair of tokens.

    ## What it checks
    `attn_implementation` is `eager`, and the forecast is at least `min_gib` lower with `sdpa`.

    - Models that cap their scores (Gemma 2) are not checked: `sdpa` does not cap them.

    ## Why it matters
    The scores grow with the square of the length: for each head of a layer and each pair of tokens
    6 bytes are kept for the backward pass. A fused kernel keeps none of them.

    ## Bad
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    attn_implementation: eager  # LL613: eager
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 1
    max_length: 4096
    ```

    ## Good
    ```yaml
    model_name_or_path: meta-llama/Llama-3.1-8B
    dtype: bfloat16
    attn_implementation: sdpa
    dataset_name: my-org/my-data
    use_peft: true
    lora_r: 16
    lora_alpha: 32
    lora_target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]
    learning_rate: 2.0e-4
    num_train_epochs: 1
    bf16: true
    gradient_checkpointing: true
    per_device_train_batch_size: 1
    max_length: 4096
    ```

    ## When to ignore it
    When attention weights are read, or a model has no other implementation.

    ## Options
    - `min_gib` (2.0): less than this many GiB is not reported.
    """
    if attn_implementation != "eager":
        return
    try:
        found: MemoryForecast = memory_forecast()
    except Unknown:
        return
    if found.plan.shape.caps_scores:
        return
    small = found.plan.with_attention("sdpa").on(None)
    now = found.plan.on(None)
    if now.allocated - small.allocated < min_gib * GIB:
        return
    yield Problem(
        "attn_implementation",
        f"{against(now, small, found.when)} with sdpa.",
        help="Take `sdpa` or `flash_attention_2`.",
        also=("max_length",),
        edits=(Set("attn_implementation", "sdpa"),),
    )
