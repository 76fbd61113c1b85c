"""Rule LL903, packing-without-isolation."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import FRAMEWORK_SOURCES, TRL_SOURCE
from lora_rules.facts.run.run_settings import keys
from lora_rules.facts.versions.pins import pins
from lora_rules.recipe import Recipe


@rule("LL903", Severity.WARNING, evidence=[FRAMEWORK_SOURCES, TRL_SOURCE])
def packing_without_isolation(
    recipe: Recipe,
    framework: Behaviour,
    packing: bool,
    attn_implementation: str | None = None,
    packing_strategy: str | None = None,
) -> Iterator[Problem]:
    """Packed examples see each other.

    ## What it checks
    - axolotl: `sample_packing` with an attention that does not keep examples apart, or none.
    - LLaMA-Factory: `packing: true` without `neat_packing: true`, in supervised fine-tuning.
    - TRL: `packing=True` with `packing_strategy="wrapped"`; and with TRL pinned from 0.20 to 1.13,
      where it warns, any attention that is not a flash attention.

    Unsloth, torchtune and newer TRL keep packed examples apart by themselves.

    ## Why it matters
    Packing puts several examples into one sequence. Without attention that knows the borders a
    token attends to the example before its own, which it never does at inference, and "wrapped"
    also cuts examples in two. axolotl and TRL warn of it when the run starts.

    ## Bad
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    sample_packing: true  # LL903: true
    attn_implementation: fp8
    learning_rate: 2.0e-4
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    packing: true  # LL903: true
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    sample_packing: true
    attn_implementation: flash_attention_2
    learning_rate: 2.0e-4
    ```
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B
    stage: sft
    finetuning_type: lora
    lora_rank: 8
    neat_packing: true
    num_train_epochs: 1
    learning_rate: 2.0e-4
    ```

    ## When to ignore it
    When the examples are pieces of one text.

    ## Options
    None.
    """
    if not packing:
        return
    why = _mixing(recipe, framework, attn_implementation, packing_strategy)
    if why:
        yield Problem(
            "packing",
            f"packed examples attend to each other: {why}.",
            help=framework.keep_apart,
            also=("attn_implementation", "packing_strategy"),
        )


def _mixing(
    recipe: Recipe, framework: Behaviour, attention: str | None, strategy: str | None
) -> str:
    if framework.trl_arguments:
        return _mixing_in_trl(recipe, attention, strategy)

    def is_true(name: str) -> bool:
        named = (key for key in keys(recipe) if key.name == name)
        return any(key.candidates == (True,) for key in named)

    return framework.mixes_packed(attention, recipe.known, is_true)


def _mixing_in_trl(recipe: Recipe, attention: str | None, strategy: str | None) -> str:
    if strategy == "wrapped":
        return 'packing_strategy="wrapped" knows no borders'
    version = pins(recipe).get("trl", "")
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return ""
    warns = (0, 20) <= (int(parts[0]), int(parts[1])) <= (1, 13)
    if warns and attention is not None and "flash" not in attention:
        return f"TRL {version} warns that {attention} attention may mix them"
    return ""
