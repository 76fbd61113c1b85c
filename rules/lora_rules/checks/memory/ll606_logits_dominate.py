"""Rule LL606, logits-dominate."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import MEMORY_FORECAST, TRL_SOURCE
from lora_rules.units import GIB

if TYPE_CHECKING:
    from lora_rules.facts.memory.gpu import Gpu
    from lora_rules.facts.memory.memory_forecast import MemoryForecast


@rule(
    "LL606",
    Severity.INFO,
    evidence=[
        MEMORY_FORECAST.says(
            "With 12 bytes for each logit the forecast of 50 runs whose settings are all known "
            "is 0.2 % off at the median."
        ),
        TRL_SOURCE.says("The loss of SFTTrainer is chunked_nll unless it is set, since 1.7."),
    ],
)
def logits_dominate(usable_gpu: Gpu, memory_forecast: MemoryForecast) -> Iterator[Problem]:
    """Logits and loss are more than a quarter of the forecast peak, and could be nearly nothing.

    ## What it checks
    Logits and their gradients are more than a quarter of the forecast peak on the declared GPU, and
    the training loop holds all of them at once.

    ## Why it matters
    transformers' loss holds 12 bytes for each token and each word of the vocabulary: 2 x 2048
    tokens of Llama 3 make 5.9 GiB. A loss that works on tiles (Liger, cut cross-entropy, TRL's
    default since 1.7) does without them. The share is a forecast, from formulas that were read in
    the code and compared with measurements.

    ## Bad
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    gradient_checkpointing: true
    micro_batch_size: 4  # LL606: 4
    sequence_len: 2048
    ```

    ## Good
    ```yaml
    # lora-lint: gpu=A100 80GB
    base_model: meta-llama/Llama-3.1-8B
    datasets: [{path: data.jsonl}]
    plugins: [axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    bf16: true
    gradient_checkpointing: true
    micro_batch_size: 4
    sequence_len: 2048
    ```

    ## When to ignore it
    When memory is not what limits the run.

    ## Options
    None.
    """
    peak, logits = memory_forecast.forecast.allocated, memory_forecast.logits
    if not memory_forecast.full_logits or logits <= peak / 4:
        return
    yield Problem(
        "per_device_train_batch_size",
        f"logits and loss are {logits / GIB:.1f} GiB of the {peak / GIB:.1f} GiB that this run is "
        f"forecast to need {memory_forecast.when} on {usable_gpu.name}.",
        help=f"A loss that never holds all logits: {memory_forecast.switch}.",
        also=("max_length",),
    )
