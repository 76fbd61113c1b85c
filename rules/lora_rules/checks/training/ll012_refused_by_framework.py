"""Rule LL012, refused-by-framework."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.refusals import judge, written
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, certainly
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.program import Program


def keys() -> Iterator[KeyPage]:
    """Everything that is refused, by whom."""
    from lora_rules.frameworks.every_refusal import every_refusal
    from lora_rules.libraries.transformers.refusals import IN_CALLS
    from lora_rules.libraries.transformers.refusals import OF_TRAINER as TRANSFORMERS_TRAINER
    from lora_rules.libraries.trl.refusals import OF_TRAINER as TRL_TRAINER
    from lora_rules.libraries.trl.refusals import REFUSALS as OF_TRL
    from lora_rules.libraries.unsloth.refusals import OF_LOADER

    for refusals in (*every_refusal(), IN_CALLS, OF_TRL, OF_LOADER):
        yield from refusals.pages()
    yield from (*TRANSFORMERS_TRAINER, *TRL_TRAINER)


@rule(
    "LL012",
    Severity.ERROR,
    evidence=[
        FRAMEWORK_SOURCES.says(
            "Which keys each framework reads, which it drops in silence, and what it "
            "assumes instead."
        ),
        TRANSFORMERS_SOURCE.says(
            "TrainingArguments refuses fp16 together with bf16; BitsAndBytesConfig defaults to fp4."
        ),
        TRL_SOURCE.says(
            "SFTConfig sets a learning rate of 2e-5 (from 0.12 on), 3 epochs and a "
            "max_length of 1024 (from 0.16 on); packing without a flash attention lets "
            "examples see each other."
        ),
    ],
    keys=keys,
)
def refused_by_framework(
    framework: Behaviour,
    blocks: Blocks,
    target_modules: Value,
    packing: Value,
    max_length: Value,
    eval_strategy: Value,
    eval_steps: Value,
    save_strategy: Value,
    save_steps: Value,
    load_best_model_at_end: Value,
    program: Program | None = None,
    pinned_trl: VersionRange = ANY,
) -> Iterator[Problem]:
    """Keys that the framework refuses together, or one that it refuses without another.

    ## What it checks
    What the frameworks' own validators refuse, as far as one file can tell:

    - axolotl: pairs that exclude each other (`warmup_steps` and `warmup_ratio`, `saves_per_epoch`
      and `save_steps`, `test_datasets` and `val_set_size`, `rl` and `sample_packing`, `deepspeed`
      and `fsdp`, …); steps with a strategy that is not "steps"; evaluation with `val_set_size: 0`;
      a stream without `max_steps`; what `adapter: qlora`, `rl: kto`, `rl: grpo`, the LoRA kernels,
      ReLoRA, context parallelism and offloading need; optimizers that cannot be sharded; two
      kinds of cross-entropy; and, as warnings, keys that have been removed or renamed.
    - LLaMA-Factory: `quantization_bit` with `pissa_init`, `resize_vocab`, a new or a second
      adapter; LoRA with GaLore, APOLLO or BAdam; `eval_dataset` with `val_size`, evaluation without
      either; `streaming` without `max_steps`; what only `stage: sft` takes.
    - ms-swift: packing without FlashAttention or with `lazy_tokenize`, `deepspeed` with `fsdp`,
      `quant_method` without `quant_bits`, a `ref_model` in a LoRA run, what GRPO does not take.
    - LitGPT: `quantize` with a mixed `precision`, several `devices` or another optimizer than
      AdamW; arguments that LoRA's script does not take. torchtune: `dtype: fp16`, offloading
      without checkpointing, packing without a length. NeMo Automodel, Ludwig, Oumi, LLM Foundry and
      AI Toolkit: what each excludes.
    - transformers and TRL: `load_best_model_at_end` with strategies or steps that do not match,
      an `eval_strategy` without `eval_dataset`, a schedule that follows the evaluation without
      one, `fsdp` with `deepspeed`, packing without a `max_length`. Unsloth: `load_in_8bit` beside
      `load_in_4bit`, which is on by default.

    It is a warning where the framework only warns, or where older versions still take it. A value
    that is not known, or a key that may arrive unseen, is never reported.

    ## Why it matters
    Each raises an exception when the configuration is read or the trainer is built, some of them
    after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(
        learning_rate=2e-4,
        num_train_epochs=1,
        max_length=2048,
        load_best_model_at_end=True,  # LL012: True
        save_strategy="epoch",
    )
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    warmup_steps: 10
    warmup_ratio: 0.03  # LL012: 0.03
    ```

    ## Good
    ```yaml
    base_model: NousResearch/Meta-Llama-3-8B
    datasets: [{path: data.jsonl}]
    adapter: lora
    lora_r: 16
    lora_alpha: 32
    lora_target_linear: true
    learning_rate: 2.0e-4
    warmup_ratio: 0.03
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if not framework.refuses_calls:
        yield from _refused_in_file(blocks, framework)
        return
    from lora_rules.checks.scripts import refused_script as script

    yield from script.refused_keywords(blocks, framework)
    if certainly(load_best_model_at_end, True):
        yield from script.best_model_strategies(save_strategy, eval_strategy)
        yield from script.best_model_steps(save_strategy, eval_strategy, save_steps, eval_steps)
    if framework.trl_arguments:
        yield from script.packing_without_length(packing, max_length)
    if program is not None:
        yield from script.evaluation_without_data(eval_strategy, blocks, program)
    yield from script.adapter_on_head(blocks, target_modules, pinned_trl)


def _refused_in_file(blocks: Blocks, framework: Behaviour) -> Iterator[Problem]:
    """What a framework refuses of the keys of its file."""
    if blocks:
        from lora_rules.frameworks.registry import refusals_of

        for refusals in refusals_of(framework.name):
            yield from judge(written(blocks[0]), refusals)
