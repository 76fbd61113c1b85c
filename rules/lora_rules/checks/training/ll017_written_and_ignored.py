"""Rule LL017, written-and-ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Unknown, Value
from lora_rules.evidence import DEEPSPEED_SOURCE, FRAMEWORK_SOURCES, QUANTIZATION_SOURCES

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy
    from lora_rules.recipe import IgnoredKey, IgnoredKeys
    from lora_rules.repository import Repository


@rule(
    "LL017",
    Severity.WARNING,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "axolotl's loaders/model.py makes the 4-bit configuration, and reads "
            "bnb_config_kwargs, under adapter: qlora alone."
        ),
        FRAMEWORK_SOURCES.says(
            "LLaMA-Factory's create_reward_model loads an adapter from reward_model with "
            "reward_model_type: lora; ms-swift's prepare_model reads trainable_parameters and "
            "freeze_parameters under tuner_type: full alone."
        ),
        DEEPSPEED_SOURCE.says(
            "offload_param of the ZeRO configuration is valid only with stage 3 "
            "(runtime/zero/config.py)."
        ),
        QUANTIZATION_SOURCES.says(
            "LLaMA-Factory quantizes on the fly where quantization_bit is given, ms-swift where "
            "quant_method is, Oumi where q_lora is true, TRL where load_in_4bit is."
        ),
    ],
)
def written_and_ignored(
    ignored_keys: IgnoredKeys,
    checkpoint_quantization: Lazy,
    deepspeed: Value,
    repository: Repository,
) -> Iterator[Problem]:
    """A key that the framework knows, and ignores beside the others of the file.

    ## What it checks
    A key has a value that the framework does not read, because of another key or for want of one.

    - axolotl: `load_in_4bit` and `bnb_config_kwargs` with `adapter: lora`
    - axolotl: `peft.loftq_config` beside `peft_init_lora_weights`
    - LLaMA-Factory: `quantization_method`, `quantization_type` and `double_quantization` without
      `quantization_bit`
    - LLaMA-Factory: `quantization_bit` for a base model that is stored quantized (GPTQ, AWQ, …)
    - LLaMA-Factory: `reward_model_adapters` and `reward_model_quantization_bit` with
      `reward_model_type: lora`
    - ms-swift: `quant_bits` without `quant_method`
    - ms-swift: `trainable_parameters` and the keys that freeze parameters with `tuner_type: lora`
    - DeepSpeed: `offload_param` below stage 3
    - Oumi: `q_lora_bits` and the keys of bitsandbytes without `q_lora`
    - TRL: the keys of bitsandbytes without `load_in_4bit`
    - Left alone: a switch that is written as off, since the file then says so itself; a base model
      that is quantized already

    ## Why it matters
    The run starts, and the file says what it does not do: with the keys of quantization the base
    model is loaded as it is stored.

    ## Bad
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: lora
    load_in_4bit: true  # LL017: load_in_4bit
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Llama-3.2-1B
    datasets: [{path: data.jsonl}]
    adapter: qlora
    load_in_4bit: true
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    ```

    ## When to ignore it
    When the file is shared between runs that switch the key on and runs that do not.

    ## Options
    None.
    """
    together: dict[str, list[IgnoredKey]] = {}
    for each in ignored_keys:
        if _applies(each, checkpoint_quantization):
            together.setdefault(each.reason, []).append(each)
    for keys in together.values():
        first, names = keys[0], ", ".join(each.key for each in keys)
        have = "has" if len(keys) == 1 else "have"
        yield Problem(
            first.key_span,
            f"{names} {have} no effect: {first.reason}.",
            help=first.instead,
            also=tuple(each.key_span for each in keys[1:]),
        )
    stage = _stage_that_keeps(deepspeed, repository)
    if stage:
        yield Problem(
            "deepspeed",
            f"offload_param has no effect: DeepSpeed moves parameters out of the GPU in stage 3, "
            f"and the configuration has stage {stage}.",
            help="Set stage: 3 for a model that does not fit, or remove offload_param.",
        )


def _stage_that_keeps(deepspeed: Value, repository: Repository) -> int:
    """The stage of ZeRO that leaves parameters where they are, though it is to move them; or 0."""
    value = deepspeed.value if isinstance(deepspeed, Known) else None
    document = repository.document(value) if isinstance(value, str) else value
    section = document.get("zero_optimization") if isinstance(document, Mapping) else None
    if not isinstance(section, Mapping):
        return 0
    stage, moved = section.get("stage"), section.get("offload_param")
    away = isinstance(moved, Mapping) and moved.get("device") in ("cpu", "nvme")
    return stage if away and type(stage) is int and stage in (1, 2) else 0


def _applies(key: IgnoredKey, checkpoint: Lazy) -> bool:
    """Whether it is ignored, and missed, given how the base model is stored."""
    if not (key.quantizes or key.of_stored):
        return True
    try:
        method = checkpoint().method
    except Unknown:
        method = ""
    return method not in ("", "bitsandbytes") if key.of_stored else not method
