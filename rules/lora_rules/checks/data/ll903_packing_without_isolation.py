"""Rule LL903, packing-without-isolation."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import FRAMEWORK_SOURCES, TRL_PACKING
from lora_rules.facts.run.attention import asked_attention
from lora_rules.facts.run.written_keys import is_true, keys_on
from lora_rules.recipe import Blocks


@rule(
    "LL903",
    Severity.WARNING,
    evidence=[
        TRL_PACKING.says(
            "SFTTrainer gives position_ids to packed examples since 0.23.1, and before only with a "
            "flash attention; then changing one example does not move the next, with sdpa or eager."
        ),
        FRAMEWORK_SOURCES.says(
            "axolotl warns of sample_packing without an attention backend that isolates examples; "
            "LLaMA-Factory masks packed examples only with neat_packing."
        ),
    ],
)
def packing_without_isolation(
    blocks: Blocks,
    framework: Behaviour,
    packing: bool,
    attn_implementation: Value,
    model_init_kwargs: Value,
    model_name_or_path: Value,
    packing_strategy: str | None = None,
    trainer_method: str | None = None,
    pinned_trl: VersionRange = ANY,
) -> Iterator[Problem]:
    """Packed examples see each other.

    ## What it checks
    Packing is on, and nothing keeps the examples of one sequence apart.

    - axolotl: `sample_packing` with an attention that does not keep examples apart (flash, flex,
      sdpa, eager, xformers and sage do), or with none written.
    - LLaMA-Factory: `packing: true` without `neat_packing: true`, in supervised fine-tuning.
    - TRL, any version: `packing_strategy="wrapped"`.
    - TRL pinned below 0.23.1: any attention but a flash attention. Not written is sdpa.
    - TRL pinned below 0.19, which knows no borders: any attention.
    - Other frameworks are not checked.

    ## Why it matters
    Packing puts several examples into one sequence. Without attention that knows the borders a
    token attends to the example before its own, which it never does at inference. In TRL 0.23.0
    with sdpa the second example's hidden states move by 0.69 when the first one's tokens change; in
    0.23.1 they do not move. "wrapped" also cuts examples in two.

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
    wrapped = framework.trl_arguments and packing_strategy == "wrapped"
    if wrapped:
        why = 'packing_strategy="wrapped" knows no borders'
    elif framework.trl_arguments:
        asked = (attn_implementation, model_init_kwargs)
        why = _mixing_in_trl(blocks, asked, model_name_or_path, pinned_trl)
    else:
        attention = asked_attention(attn_implementation, model_init_kwargs)
        why = framework.mixes_packed(attention, trainer_method, lambda name: is_true(blocks, name))
    if why:
        yield Problem(
            "packing",
            f"packed examples attend to each other: {why}.",
            help=framework.keep_apart,
            also=("packing_strategy",) if wrapped else ("attn_implementation",),
        )


def _mixing_in_trl(
    blocks: Blocks,
    asked: tuple[Value, Value],
    model: Value,
    trl: VersionRange,
) -> str:
    if trl.certainly_below("0.19"):
        return f"TRL {trl} knows no borders"
    if not trl.certainly_below("0.23.1") or not _shows_attention(blocks, model):
        return ""
    attention = asked_attention(*asked) or "sdpa"
    if "flash" in attention:
        return ""
    return f"TRL {trl} passes no borders to {attention} attention"


def _shows_attention(blocks: Blocks, model: Value) -> bool:
    """Whether the model is seen to be loaded, with arguments that are all seen."""
    loads = [block for block in blocks if block.receiver.endswith(".from_pretrained")]
    if keys_on(blocks, ("use_flash_attention_2",)):
        return False
    return all(block.complete for block in loads) and bool(loads or isinstance(model, Known))
