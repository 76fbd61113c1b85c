"""Rule LL903, packing-without-isolation."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import FRAMEWORK_SOURCES, TRL_SOURCE
from lora_rules.facts.run.written_keys import is_true
from lora_rules.recipe import Blocks


@rule(
    "LL903",
    Severity.WARNING,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "Which keys each framework reads, which it drops in silence, and what it "
            "assumes instead."
        ),
        TRL_SOURCE.says(
            "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a "
            "max_length of 1024 (from 0.16 on); packing without a flash attention lets "
            "examples see each other."
        ),
    ],
)
def packing_without_isolation(
    blocks: Blocks,
    framework: Behaviour,
    packing: bool,
    attn_implementation: str | None = None,
    packing_strategy: str | None = None,
    trainer_method: str | None = None,
    pinned_trl: VersionRange = ANY,
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
    if framework.trl_arguments:
        why = _mixing_in_trl(attn_implementation, packing_strategy, pinned_trl)
    else:
        why = framework.mixes_packed(
            attn_implementation, trainer_method, lambda name: is_true(blocks, name)
        )
    if why:
        yield Problem(
            "packing",
            f"packed examples attend to each other: {why}.",
            help=framework.keep_apart,
            also=("attn_implementation", "packing_strategy"),
        )


def _mixing_in_trl(attention: str | None, strategy: str | None, trl: VersionRange) -> str:
    if strategy == "wrapped":
        return 'packing_strategy="wrapped" knows no borders'
    warns = trl.certainly_at_least("0.20") and trl.certainly_below("1.14")
    if warns and attention is not None and "flash" not in attention:
        return f"TRL {trl} warns that {attention} attention may mix them"
    return ""
