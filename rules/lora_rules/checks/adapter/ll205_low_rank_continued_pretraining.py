"""Rule LL205, low-rank-continued-pretraining."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import (
    BIDERMAN_2024,
    SCHULMAN_2025,
)

if TYPE_CHECKING:
    from lora_rules.facts.run.training_steps import Batch


@rule(
    "LL205",
    Severity.INFO,
    evidence=[
        BIDERMAN_2024.says(
            "Recommends LoRA for instruction tuning and not for continued pretraining; in "
            "standard low-rank settings it substantially underperformed full fine-tuning."
        ),
        SCHULMAN_2025.says(
            "For data that exceed the adapter's capacity LoRA underperforms full fine-tuning, by "
            "how much depends on both."
        ),
    ],
)
def low_rank_continued_pretraining(
    r: int,
    training_kind: str,
    max_steps: int,
    effective_batch: Batch,
    max_length: int,
    packing: bool,
    trainable_parameters: int | None = None,
    *,
    min_rank: int = 256,
    tokens: int = 1_000_000_000,
    per_parameter: int = 50,
) -> Iterator[Problem]:
    """A low rank for continued pretraining on very many tokens.

    ## What it checks
    The run trains on plain text packed into full sequences for a fixed number of steps, `r` is
    below `min_rank`, and it sees more than `tokens` tokens, or more than `per_parameter` for each
    trained parameter.

    ## Why it matters
    Biderman et al. recommend LoRA "for instruction finetuning and not continued pretraining", where
    it substantially underperformed full fine-tuning at low ranks. LoRA Without Regret sees
    it behind on data that exceed its capacity. The r=256 on all layers that Biderman et al.
    recommend is for instruction tuning. Neither names a number of tokens: the two limits are this
    rule's own, so it is info.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    pretraining_dataset: [{path: my-org/web-text}]
    adapter: lora
    lora_r: 16  # LL205: 16
    lora_alpha: 32
    lora_target_linear: true
    sequence_len: 4096
    sample_packing: true
    attn_implementation: flash_attention_2
    micro_batch_size: 8
    gradient_accumulation_steps: 8
    max_steps: 10000
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    pretraining_dataset: [{path: my-org/web-text}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    sequence_len: 4096
    sample_packing: true
    attn_implementation: flash_attention_2
    micro_batch_size: 4
    gradient_accumulation_steps: 4
    max_steps: 500
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the text is close to what the model knows, or forgetting is worse than learning less.

    ## Options
    - `min_rank` (256): the lowest rank that passes.
    - `tokens` (1000000000): info above so many.
    - `per_parameter` (50): or from so many for each trained parameter.
    """
    if training_kind != "pretraining" or not packing or r >= min_rank or max_steps < 1:
        return
    seen = max_steps * effective_batch.examples * max_length
    many = trainable_parameters is not None and seen > per_parameter * trainable_parameters
    if seen > tokens or many:
        trained = "" if trainable_parameters is None else f" {trainable_parameters:,}"
        yield Problem(
            "r",
            f"r = {r} for about {seen:,} tokens of plain text: LoRA's{trained} parameters fall "
            "behind full fine-tuning on so much (the limit is this rule's own).",
            help="Raise r and adapt all layers, or train all parameters.",
        )
