"""Dropout on the adapter's input."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    ALLORA_2024,
    HU_2021,
    OFFICIAL_RECIPES,
    PEFT_SOURCE,
    SEED_DROPOUT,
    SEED_DROPOUT_SCALE,
    UNSLOTH_DOCS,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Safety, Set, Severity, rule
from lora_rules.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.training_steps import Steps


@rule("LL301", Severity.WARNING, evidence=[SEED_DROPOUT, HU_2021, ALLORA_2024])
def dropout_at_tiny_rank(r: int, lora_dropout: float, *, max_rank: int = 4) -> Iterator[Problem]:
    """Dropout on an adapter of rank 4 or less.

    ## What it checks
    `lora_dropout` is above zero while `r` is at most `max_rank`.

    ## Why it matters
    By convention an adapter this small needs no regularisation. The usual explanation, that
    dropout would remove a whole feature of few, does not describe PEFT: it drops inputs of the
    adapter, not its rank, and the relative noise is sqrt(p / (1 - p)) at every rank (measured:
    0.29 to 0.38 at p = 0.1 for r = 2 to 64). The LoRA paper's own GPT-2 recipe has r=4 and a
    dropout of 0.1. So this is a hint, not a fault.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.1)  # LL301: 0.1
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-0.5B
    stage: sft
    finetuning_type: lora
    lora_rank: 2
    lora_dropout: 0.05  # LL301: 0.05
    learning_rate: 2.0e-4
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0)
    ```

    ## When to ignore it
    When your own evaluation prefers the dropout.

    ## Options
    - `max_rank` (4): the highest rank that counts as tiny.
    """
    if 0 < r <= max_rank and 0 < lora_dropout < 1:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} at r = {r}: by convention an adapter this small "
            "needs none (a convention; Hu et al. used 0.1 at r = 4).",
            help="Set lora_dropout to 0, or keep it if your evaluation prefers it.",
            also=("r",),
            edits=(Set("lora_dropout", 0.0),),
        )


@rule("LL302", Severity.ERROR, evidence=[PEFT_SOURCE, OFFICIAL_RECIPES])
def dropout_out_of_range(lora_dropout: float, *, max: float = 0.2) -> Iterator[Problem]:  # noqa: A002
    """A dropout that is no probability, drops everything, or is far above practice.

    ## What it checks
    `lora_dropout` is below 0 or at least 1 (error), or above `max` (warning).

    ## Why it matters
    Above 1 PyTorch raises. At exactly 1 every input of the adapter is dropped, so its gradient is
    zero and nothing trains; PEFT accepts it in silence. Below 0 PEFT uses no dropout at all, which
    is not what was written. Of 309 official recipes one has 0.2 and none has more.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=5)  # LL302: 5
    ```
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_dropout: 0.5  # LL302: 0.5
    lora_target_linear: true
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.05)
    ```

    ## When to ignore it
    A warning: when your own evaluation prefers so much. An error: never.

    ## Options
    - `max` (0.2): the highest value that passes.
    """
    if 0 <= lora_dropout <= max:
        return
    instead, safety, severity = 0.05, Safety.SAFE, Severity.ERROR  # nothing was trained before
    if lora_dropout < 0:
        text, instead = "is negative: PEFT accepts it and then drops nothing", 0.0
    elif lora_dropout == 1:
        text = "drops every input: the adapter gets no gradient"
    elif lora_dropout > 1:
        text = "is no probability: PyTorch raises ValueError"
    else:
        text = f"is above {max:g}, the most that any official recipe uses"
        safety, severity = Safety.UNSAFE, Severity.WARNING
    yield Problem(
        "lora_dropout",
        f"lora_dropout = {lora_dropout:g} {text}.",
        severity=severity,
        help="Values in use are 0 to 0.1.",
        edits=(Set("lora_dropout", instead),),
        safety=safety,
    )


@rule("LL303", Severity.ERROR, evidence=[PEFT_SOURCE])
def dropout_unsupported_here(
    lora_dropout: float, target_parameters: list[str]
) -> Iterator[Problem]:
    """Dropout on an adapter that PEFT can only build without it.

    ## What it checks
    `lora_dropout` is not zero while `target_parameters` names parameters to adapt.

    ## Why it matters
    PEFT adapts a bare parameter by changing the weight itself; there is no input to drop, and it
    raises ValueError while the adapter is built.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,  # LL303: 0.05
        target_modules=[],
        target_parameters=["mlp.experts.gate_up_proj"],
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.0,
        target_modules=[],
        target_parameters=["mlp.experts.gate_up_proj"],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if lora_dropout != 0 and target_parameters:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} with target_parameters: PEFT raises ValueError.",
            help="Set lora_dropout to 0.",
            also=("target_parameters",),
            edits=(Set("lora_dropout", 0.0),),
            safety=Safety.SAFE,
        )


@rule("LL304", Severity.INFO, evidence=[ALLORA_2024])
def dropout_short_run(
    lora_dropout: float,
    training_steps: Steps,
    *,
    min_steps: int = 200,
) -> Iterator[Problem]:
    """Dropout in a run of few optimizer steps.

    ## What it checks
    `lora_dropout` above zero in a run of fewer than `min_steps` optimizer steps, where they follow
    from rows, epochs and batch.

    ## Why it matters
    One study shows that dropout's regularisation needs many steps to average out, and that it
    slows the adapter's first steps away from zero. The number of steps is ours, not the study's.

    ## Bad
    ```yaml
    # lora-lint: train-rows=1000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_dropout: 0.1  # LL304: 0.1
    per_device_train_batch_size: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    # lora-lint: train-rows=1000
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    lora_dropout: 0.0
    per_device_train_batch_size: 8
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When your own evaluation prefers the dropout.

    ## Options
    - `min_steps` (200): the fewest steps that pass.
    """
    if 0 < lora_dropout < 1 and training_steps.from_data and training_steps.number < min_steps:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} in a run of {training_steps.text} steps: one study "
            "finds dropout unreliable in short runs (the limit is ours).",
            help="Set lora_dropout to 0.",
            also=("num_train_epochs", "train_rows"),
            edits=(Set("lora_dropout", 0.0),),
        )


@rule("LL305", Severity.INFO, evidence=[UNSLOTH_DOCS])
def dropout_disables_fast_path(
    recipe: Recipe, lora_dropout: float = 0.0, bias: str = "none"
) -> Iterator[Problem]:
    """A setting with which Unsloth leaves its fused kernels unused.

    ## What it checks
    An Unsloth adapter with `lora_dropout` above zero or a `bias` other than "none".

    ## Why it matters
    Unsloth patches a layer with its fused LoRA kernels only without dropout and bias; otherwise
    it prints a warning and trains that layer the usual, slower way.

    ## Bad
    ```python
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", max_seq_length=2048)
    model = FastLanguageModel.get_peft_model(
        model,
        r=16,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]
        + ["gate_proj", "up_proj", "down_proj"],
        lora_dropout=0.05,  # LL305: 0.05
    )
    ```

    ## Good
    ```python
    from unsloth import FastLanguageModel

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen2.5-7B", max_seq_length=2048)
    model = FastLanguageModel.get_peft_model(
        model,
        r=16,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"]
        + ["gate_proj", "up_proj", "down_proj"],
        lora_dropout=0,
    )
    ```

    ## When to ignore it
    When the dropout is worth the time.

    ## Options
    None.
    """
    if recipe.dialect not in ("unsloth", "unsloth-studio"):
        return
    if lora_dropout > 0:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g}: Unsloth uses its fused kernels only without "
            "dropout, and warns.",
            help="Set lora_dropout to 0.",
            edits=(Set("lora_dropout", 0.0),),
        )
    elif bias != "none":
        yield Problem(
            "bias",
            f'bias = "{bias}": Unsloth uses its fused kernels only without biases, and warns.',
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )


@rule("LL306", Severity.INFO, evidence=[SEED_DROPOUT_SCALE])
def high_alpha_high_dropout(
    lora_dropout: float,
    lora_alpha: float,
    r: int,
    adapter_scale: float,
    *,
    min_scale: float = 4.0,
    min_dropout: float = 0.1,
) -> Iterator[Problem]:
    """A high scale on top of a high dropout.

    ## What it checks
    A scale `lora_alpha / r` (with rsLoRA `lora_alpha / sqrt(r)`) above `min_scale` together with
    a `lora_dropout` of `min_dropout` or more.

    ## Why it matters
    Dropout adds noise of sqrt(p / (1 - p)) times the signal to the adapter's output, and the
    scale multiplies both. By convention the two are not combined; no measurement of harm was
    found, so this is a hint only.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64, use_rslora=True, lora_dropout=0.1)  # LL306: 0.1
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64, use_rslora=True, lora_dropout=0.0)
    ```

    ## When to ignore it
    When your own evaluation prefers it.

    ## Options
    - `min_scale` (4.0): told above this scale.
    - `min_dropout` (0.1): told from this dropout on.
    """
    if adapter_scale > min_scale and min_dropout <= lora_dropout < 1:
        yield Problem(
            "lora_dropout",
            f"lora_dropout = {lora_dropout:g} at a scale of {adapter_scale:.3g} "
            f"(lora_alpha {lora_alpha:g}, r {r}): by convention not combined (not measured).",
            help="Lower one of the two.",
            also=("lora_alpha", "r"),
        )
