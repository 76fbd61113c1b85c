"""The rank, against the data it has to learn from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.evidence import (
    BIDERMAN_2024,
    DETTMERS_2023,
    PEFT_SOURCE,
    RASCHKA_2023,
    SCHULMAN_2025,
    SEED_RANK_BANDS,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Edit, Problem, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.architecture import Architecture
    from lora_rules.facts.dataset import Rows
    from lora_rules.facts.targeted import Targeted
    from lora_rules.facts.training_steps import Batch

REINFORCEMENT = frozenset({"grpo", "ppo", "rloo", "gdpo", "reinforce"})
"""Methods where an example is played many times: its rows say little about the signal."""


@rule("LL201", Severity.WARNING, evidence=[SEED_RANK_BANDS, RASCHKA_2023, DETTMERS_2023])
def high_rank_tiny_dataset(
    recipe: Recipe,
    r: int,
    dataset_rows: Rows,
    *,
    tiny: int = 1000,
    small: int = 5000,
    tiny_rank: int = 64,
    small_rank: int = 128,
) -> Iterator[Problem]:
    """A high rank on a dataset of a few hundred or thousand examples.

    ## What it checks
    `r` is at least `tiny_rank` with fewer than `tiny` training examples, or at least `small_rank`
    with fewer than `small`. Half of that rank is mentioned as info. The examples are counted in
    local JSONL, JSON, CSV and Parquet files, or taken from `max_samples`, a split such as
    `train[:500]`, or a declaration (`# lora-lint: train-rows=800`); a dataset that cannot be
    counted is not judged. Reinforcement learning is left alone.

    ## Why it matters
    Practitioners' guides warn that a high rank overfits a small dataset. This is a convention: no
    controlled measurement of that harm was found, and r=256 on the 1,000 examples of LIMA did as
    well as on 50,000 of Alpaca. What is certain is the cost: adapter, gradients and optimizer
    states grow in proportion to `r`, for capacity that so few examples cannot fill.

    ## Bad
    ```python
    # lora-lint: train-rows=600
    from peft import LoraConfig

    config = LoraConfig(r=128, lora_alpha=256, target_modules="all-linear")  # LL201: 128
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    dataset: my_notes
    max_samples: 500
    val_size: 0.1
    lora_rank: 64  # LL201: 64
    learning_rate: 2.0e-4
    ```

    ## Good
    ```python
    # lora-lint: train-rows=600
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```

    ## When to ignore it
    When the examples are long (thousands of trained tokens each), or a comparison on your own
    evaluation set shows that the rank pays.

    ## Options
    - `tiny` (1000) and `tiny_rank` (64): warn from this rank below that many examples.
    - `small` (5000) and `small_rank` (128): the same for a small dataset.
    """
    if recipe.known("trainer_method") in REINFORCEMENT:
        return
    rows = dataset_rows.number
    limit = tiny_rank if rows < tiny else small_rank if rows < small else None
    if limit is None or 2 * r < limit:
        return
    counted = f"{rows:,}" if dataset_rows.exact else f"at most {rows:,}"
    alpha = recipe.known("lora_alpha")
    edits: tuple[Edit, ...] = (Set("r", 16),)
    if isinstance(alpha, int | float) and not isinstance(alpha, bool):
        edits += (Set("lora_alpha", float(f"{alpha * 16 / r:g}")),)
    yield Problem(
        "r",
        f"r = {r} for {counted} training examples: by convention too much (no controlled evidence "
        "of harm; the memory is spent for certain).",
        severity=Severity.WARNING if r >= limit else Severity.INFO,
        help="Try r = 16 with the same lora_alpha / r, and compare on held-out examples.",
        edits=edits,
    )


@rule("LL203", Severity.WARNING, evidence=[PEFT_SOURCE])
def rank_exceeds_layer(
    r: int, targeted: Targeted, rank_pattern: dict[str, object] | None = None
) -> Iterator[Problem]:
    """A rank beyond what the adapted layers can hold.

    ## What it checks
    With a known base model, the rank of each adapted layer against its sizes: a rank above the
    smaller of its two sides, or so high that the two matrices have as many parameters as the layer
    itself. It is a warning where that holds for most of what is adapted, else an info.

    ## Why it matters
    The product of the two matrices cannot have a higher rank than the layer; what is above is
    memory and time for nothing. PEFT accepts it in silence. Routers that "all-linear" takes along
    are left out here; LL404 tells of them.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("gpt2")
    config = LoraConfig(r=640, lora_alpha=640, target_modules="all-linear")  # LL203: 640
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("gpt2")
    config = LoraConfig(r=64, lora_alpha=64, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    from lora_rules.facts.targeting import Ranks

    if r < 1 or targeted.inventory.modules is None:
        return
    ranks = Ranks(r, rank_pattern)
    everything = isinstance(targeted.written, str)
    sizes = {
        path: size
        for path, size in targeted.sizes().items()
        if not (everything and targeted.inventory.is_router(path))
    }
    above = [path for path, (rows, columns) in sizes.items() if ranks.of(path) > min(rows, columns)]
    dense = [
        path
        for path, (rows, columns) in sizes.items()
        if ranks.of(path) * (rows + columns) >= rows * columns
    ]
    if not dense:
        return
    worst = above[0] if above else dense[0]
    most = 2 * len(dense) >= len(sizes)
    rank, (rows, columns) = ranks.of(worst), sizes[worst]
    text = "more than its smaller side" if above else "as many parameters as the layer itself"
    yield Problem(
        "r" if rank == r else "rank_pattern",
        f"rank {rank} on {worst} ({rows} x {columns}): {text}; it is too high for {len(dense)} of "
        f"{len(sizes)} adapted layers.",
        severity=Severity.WARNING if most else Severity.INFO,
        help="Lower r, or give these layers a rank of their own in rank_pattern.",
    )


@rule("LL204", Severity.INFO, evidence=[PEFT_SOURCE])
def adapter_too_large(
    architecture: Architecture,
    trainable_parameters: int,
    *,
    share: float = 0.1,
    smallest: int = 200_000_000,
) -> Iterator[Problem]:
    """An adapter of more than a tenth of the base model.

    ## What it checks
    The exact number of trained parameters against the base model's, from `smallest` parameters on.

    ## Why it matters
    It is arithmetic, not a fault: the savings in optimizer memory and checkpoint size that LoRA is
    taken for shrink. Often a whole embedding is trained that was not counted on.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(  # LL204
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When you know the number and can pay for it.

    ## Options
    - `share` (0.1): mention it from this part of the base model on.
    - `smallest` (200000000): base models below are left alone.
    """
    base = architecture.parameters
    if base >= smallest and trainable_parameters > share * base:
        yield Problem(
            None,
            f"{trainable_parameters:,} trained parameters, {100 * trainable_parameters / base:.0f} "
            f"% of the base model's {base:,}.",
            help="Check modules_to_save and r.",
        )


@rule("LL205", Severity.INFO, evidence=[BIDERMAN_2024])
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
    The run trains on plain text that is packed into full sequences for a fixed number of steps, so
    that its tokens are known; `r` is below `min_rank`; and there are more than `tokens` of them,
    or more than `per_parameter` for each parameter that is trained.

    ## Why it matters
    Biderman et al. find that LoRA learns less than full fine-tuning in continued pretraining, that
    ranks of 16 to 64 do not suffice for code, and recommend r=256 with all layers, and LoRA for
    instruction tuning rather than pretraining. They name no number of tokens: the two limits here
    are this rule's own, so it is only mentioned.

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
    - `tokens` (1000000000): from so many on it is mentioned.
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
            f"r = {r} for about {seen:,} tokens of plain text: LoRA's{trained} parameters learn "
            "clearly less from so much than full fine-tuning.",
            help=f"Raise r to {min_rank} with all layers adapted, or expect less.",
        )


@rule("LL206", Severity.INFO, evidence=[SCHULMAN_2025])
def oversized_rl_rank(r: int, trainer_method: str, *, max_rank: int = 64) -> Iterator[Problem]:
    """A high rank for reinforcement learning.

    ## What it checks
    `r` is above `max_rank` with GRPO, PPO, RLOO or another such method.

    ## Why it matters
    An episode teaches about one bit. LoRA Without Regret finds that r=1 learns as well as full
    fine-tuning there, and TRL's table has 1 to 32. A higher rank costs memory for nothing measured.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(r=128, lora_alpha=128, target_modules="all-linear")  # LL206: 128
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    args = GRPOConfig(learning_rate=1e-5)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    trainer = GRPOTrainer(model="my-org/my-model", args=args, peft_config=config)
    ```

    ## When to ignore it
    When your own comparison prefers it.

    ## Options
    - `max_rank` (64): the highest rank that passes.
    """
    if trainer_method in REINFORCEMENT and r > max_rank:
        yield Problem(
            "r",
            f"r = {r} with {trainer_method.upper()}: reinforcement learning was measured to need "
            "very little rank (1 to 32).",
            help="Try r = 32.",
        )


@rule("LL207", Severity.WARNING, evidence=[PEFT_SOURCE])
def dead_pattern_key(
    targeted: Targeted,
    rank_pattern: dict[str, object] | None = None,
    alpha_pattern: dict[str, object] | None = None,
) -> Iterator[Problem]:
    """A key of rank_pattern or alpha_pattern that fits no adapted module.

    ## What it checks
    With a known base model, each key against the modules that get an adapter, as PEFT does it: the
    key is an expression for the end of a path, after a dot.

    ## Why it matters
    The module that was meant keeps the plain `r` or `lora_alpha`. PEFT 0.21 warns of it while it
    builds the adapter; older versions say nothing.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        alpha_pattern={"mlp.fc1": 48},  # LL207: {"mlp.fc1": 48}
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        rank_pattern={"mlp.down_proj": 32},
        alpha_pattern={"mlp.down_proj": 64},
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When one configuration is shared by several models.

    ## Options
    None.
    """
    from lora_rules.facts.targeting import expression

    if targeted.nothing or targeted.refused:
        return
    reached = (*targeted.adapted, *targeted.parameters)
    for name, patterns in (("rank_pattern", rank_pattern), ("alpha_pattern", alpha_pattern)):
        dead = [
            key
            for key in patterns or {}
            if (targeted.inventory.exact or not re.search(r"\d|\^", key))
            and not any(expression(rf"(.*\.)?({key})$", key).match(path) for path in reached)
        ]
        if dead:
            yield Problem(
                name,
                f"{name}: {', '.join(map(repr, dead))} fits no module that is adapted, so it has "
                "no effect.",
                help=f"Adapted are, for example, {targeted.adapted[0]}."
                if targeted.adapted
                else "",
            )
