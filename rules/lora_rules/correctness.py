"""Settings that do not do what they seem to: the adapter itself, LL003 to LL007."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.evidence import (
    PEFT_BENCHMARK,
    PEFT_SOURCE,
    VLLM_SOURCE,
)
from lora_rules.recipe import Recipe
from lora_rules.rule import Problem, Safety, Set, Severity, rule


@rule("LL003", Severity.WARNING, evidence=[PEFT_SOURCE])
def non_noop_init(recipe: Recipe, init_lora_weights: bool) -> Iterator[Problem]:
    """The adapter starts as random noise on top of the base model.

    ## What it checks
    `init_lora_weights` is false in a configuration that is trained: a framework's file, or a call
    whose adapter a trainer gets. Scripts that convert adapters and files under a tests folder are
    left alone.

    ## Why it matters
    PEFT then fills both matrices at random, so the model is damaged before the first step instead
    of being the base model exactly. PEFT's own documentation calls this value one for debugging.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, init_lora_weights=False)  # LL003: False
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, init_lora_weights="gaussian")
    ```

    ## When to ignore it
    In tests that want an adapter with an effect; or when the weights are loaded right afterwards.

    ## Options
    None.
    """
    if init_lora_weights is False and recipe.trains and not _in_tests(recipe.path):
        yield Problem(
            "init_lora_weights",
            "init_lora_weights=False starts both matrices at random: the base model is damaged "
            "before the first step.",
            help="Leave it out (True), or name a method such as 'gaussian' or 'pissa'.",
            edits=(Set("init_lora_weights", True),),
            safety=Safety.SAFE,
        )


def _in_tests(path: str) -> bool:
    parts = path.replace("\\", "/").split("/")
    return any(part in ("test", "tests") or part.startswith("test_") for part in parts)


@rule("LL004", Severity.ERROR, evidence=[PEFT_SOURCE])
def inference_mode_training(recipe: Recipe, inference_mode: bool) -> Iterator[Problem]:
    """A new adapter that is told not to train.

    ## What it checks
    `inference_mode` is true for a fresh adapter that is trained: in a framework's file, or in a
    call whose adapter a trainer gets. The record of a trained one (`adapter_config.json`) and
    scripts that only load adapters are left alone.

    ## Why it matters
    PEFT freezes the adapter's weights. With everything else frozen too, the first backward pass
    raises RuntimeError: no tensor requires a gradient.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTTrainer

    names = "all-linear"
    config = LoraConfig(r=16, target_modules=names, inference_mode=True)  # LL004: True
    trainer = SFTTrainer(model="Qwen/Qwen2.5-0.5B", peft_config=config)
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, inference_mode=False)
    ```

    ## When to ignore it
    When the file only loads an adapter to use it.

    ## Options
    None.
    """
    if inference_mode and recipe.trains and not recipe.may_be("adapter_name_or_path"):
        yield Problem(
            "inference_mode",
            "inference_mode=True freezes the adapter: training it raises RuntimeError.",
            help="Leave it out.",
            edits=(Set("inference_mode", False),),
            safety=Safety.SAFE,
        )


@rule("LL005", Severity.INFO, evidence=[PEFT_SOURCE])
def bias_trains_nothing(recipe: Recipe, bias: str) -> Iterator[Problem]:
    """Biases are trained, which most current models do not have.

    ## What it checks
    `bias` is "all" or "lora_only" in a training configuration.

    ## Why it matters
    Llama, Mistral, Gemma and Qwen3 have no biases in their linear layers, so the setting trains
    nothing there. Where a model has them, the trained biases stay in force when the adapter is
    switched off: the base model is then no longer what it was (PEFT's documentation says so), and
    vLLM refuses the adapter.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="lora_only")  # LL005: "lora_only"
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, bias="none")
    ```

    ## When to ignore it
    When the model has biases and the adapter will be merged.

    ## Options
    None.
    """
    if bias in ("all", "lora_only") and not recipe.result:
        yield Problem(
            "bias",
            f'bias="{bias}" trains biases that most current models do not have, and that stay '
            "when the adapter is switched off.",
            help='Set bias to "none".',
            edits=(Set("bias", "none"),),
        )


@rule("LL006", Severity.INFO, evidence=[PEFT_BENCHMARK])
def dora_cost(recipe: Recipe, use_dora: bool) -> Iterator[Problem]:
    """DoRA costs a quarter more time; worth knowing before a long run.

    ## What it checks
    `use_dora` is on in a training configuration.

    ## Why it matters
    In PEFT's own comparison (Llama-3.2-3B, one seed) DoRA took 26.4 % more time and 10.1 % more
    peak memory than LoRA at equal rank, for an accuracy within noise (46.93 against 47.84 %). The
    DoRA paper reports gains on other tasks.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, use_dora=True)  # LL006: True
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When a comparison on your own task shows that it pays.

    ## Options
    None.
    """
    if use_dora and not recipe.result:
        yield Problem(
            "use_dora",
            "use_dora costs about 26 % more time and 10 % more peak memory (PEFT's own benchmark).",
            help="Compare with plain LoRA on your own evaluation set.",
        )


@rule("LL007", Severity.WARNING, evidence=[VLLM_SOURCE])
def serving_incompatible(
    recipe: Recipe, serve: str, *, max_lora_rank: int = 16
) -> Iterator[Problem]:
    """The adapter cannot be served by the engine that was declared.

    ## What it checks
    With `# lora-lint: serve=vllm` (or `serve = "vllm"` in the settings): `modules_to_save`, a
    `bias` other than "none", `use_dora`, or an `r` above `max_lora_rank`.

    ## Why it matters
    vLLM refuses to load such an adapter. Its `max_lora_rank` is 16 unless the server is started
    with another one. An adapter that is merged into the base model is not concerned.

    ## Bad
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=64, lora_alpha=64)  # LL007: 64
    ```

    ## Good
    ```python
    # lora-lint: serve=vllm
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32)
    ```

    ## When to ignore it
    When the adapter is merged before it is served.

    ## Options
    - `max_lora_rank` (16): what the server is started with.
    """
    if serve.lower() != "vllm":
        return
    rank = recipe.known("r")
    if isinstance(rank, int) and rank > max_lora_rank:
        yield Problem(
            "r",
            f"r = {rank} is above vLLM's max_lora_rank of {max_lora_rank}.",
            help=f"Start the server with --max-lora-rank {rank}, and set the option to match.",
        )
    for name, refused in (
        ("modules_to_save", recipe.known("modules_to_save")),
        ("use_dora", recipe.known("use_dora")),
        ("bias", recipe.known("bias") in ("all", "lora_only")),
    ):
        if refused:
            yield Problem(
                name, f"vLLM refuses adapters with {name}.", help="Merge the adapter, or drop it."
            )
