"""What the framework that reads a file refuses before it trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.evidence import FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE
from lora_rules.recipe import Key, Recipe
from lora_rules.refusals import Refusal, Written, judge, written
from lora_rules.refused_axolotl import AXOLOTL
from lora_rules.refused_head import adapter_on_head
from lora_rules.refused_llama_factory import LLAMA_FACTORY
from lora_rules.refused_others import (
    AI_TOOLKIT,
    LITGPT,
    LLM_FOUNDRY,
    LUDWIG,
    NEMO,
    OUMI,
    TORCHTUNE,
)
from lora_rules.refused_swift import SWIFT
from lora_rules.refused_trainer import (
    BEST,
    DEFAULTS,
    TRANSFORMERS,
    TRL,
    TRL_FILE,
    UNSLOTH_LOADER,
)
from lora_rules.rule import Problem, Severity, rule

FILES: Mapping[str, tuple[tuple[tuple[Refusal, ...], str], ...]] = {
    "axolotl": ((AXOLOTL, "axolotl"),),
    "llamafactory": (
        (LLAMA_FACTORY, "LLaMA-Factory"),
        ((*TRANSFORMERS, *DEFAULTS, *BEST), "transformers"),
    ),
    "trl": (
        ((*TRL, *TRL_FILE), "TRL"),
        ((*TRANSFORMERS, *DEFAULTS, *BEST), "transformers"),
    ),
    "ms-swift": ((SWIFT, "ms-swift"),),
    "litgpt": ((LITGPT, "LitGPT"),),
    "torchtune": ((TORCHTUNE, "torchtune"),),
    "ludwig": ((LUDWIG, "Ludwig"),),
    "oumi": ((OUMI, "Oumi"),),
    "nemo-automodel": ((NEMO, "NeMo Automodel"),),
    "llm-foundry": ((LLM_FOUNDRY, "LLM Foundry"),),
    "ai-toolkit": ((AI_TOOLKIT, "AI Toolkit"),),
}
"""The tables for a file of each dialect, and who raises."""

ARGUMENTS = ("transformers.TrainingArguments", "transformers.Seq2SeqTrainingArguments")
LOADERS = ("unsloth.FastLanguageModel.from_pretrained", "unsloth.FastModel.from_pretrained")


@rule("LL012", Severity.ERROR, evidence=[FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE])
def refused_by_framework(recipe: Recipe) -> Iterator[Problem]:
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
    for table, framework in FILES.get(recipe.dialect, ()):
        if recipe.blocks:
            yield from judge(written(recipe.blocks[0]), table, framework)
    if recipe.dialect in ("peft", "unsloth"):
        yield from _calls(recipe)
        yield from _trainer(recipe)
        yield from adapter_on_head(recipe)


def _calls(recipe: Recipe) -> Iterator[Problem]:
    """Of a script: what each call that makes arguments is given."""
    for block in recipe.blocks:
        keys = written(block)
        firm = Written(_firm(recipe, keys), keys.complete)
        if block.receiver in ARGUMENTS or block.receiver == "trl.SFTConfig":
            yield from judge(firm, (*TRANSFORMERS, *DEFAULTS), "transformers")
        if block.receiver == "trl.SFTConfig" and recipe.dialect == "peft":
            yield from judge(firm, TRL, "TRL")
        if block.receiver in LOADERS:
            yield from judge(firm, UNSLOTH_LOADER, "Unsloth")


def _firm(recipe: Recipe, keys: Written) -> Mapping[str, Key]:
    """The keys, without the values that a flag of the script can change."""
    loose = {name for name, setting in recipe.settings.items() if setting.overridable}
    return {
        name: key._replace(candidates=()) if name in loose else key
        for name, key in keys.keys.items()
    }


def _trainer(recipe: Recipe) -> Iterator[Problem]:
    """Of transformers' and TRL's arguments, whichever call gives them."""
    if recipe.known("load_best_model_at_end") is True:
        yield from _best_model(recipe)
    if recipe.known("packing") is True and recipe.dialect == "peft" and _has_no_length(recipe):
        yield Problem(
            "packing",
            "packing with max_length=None: TRL raises ValueError.",
            also=("max_length",),
        )
    strategy = recipe.settings.get("eval_strategy")
    if strategy is None or not strategy.written or strategy.candidates in ((), ("no",), (None,)):
        return
    if len(strategy.candidates) == 1 and _lacks_evaluation_data(recipe):
        yield Problem(
            "eval_strategy",
            f'eval_strategy = "{strategy.value}" and the trainer gets no eval_dataset: '
            "transformers raises ValueError.",
        )


def _has_no_length(recipe: Recipe) -> bool:
    setting = recipe.settings.get("max_length")
    return setting is not None and setting.written and setting.candidates == (None,)


def _best_model(recipe: Recipe) -> Iterator[Problem]:
    save, evaluate = recipe.known("save_strategy"), recipe.known("eval_strategy")
    if not isinstance(save, str) or not isinstance(evaluate, str) or save == "best":
        return
    if save != evaluate:
        yield Problem(
            "load_best_model_at_end",
            f'load_best_model_at_end with save_strategy "{save}" and eval_strategy "{evaluate}": '
            "they have to be the same, transformers raises ValueError.",
            also=("save_strategy", "eval_strategy"),
        )
        return
    every, each = recipe.known("save_steps"), recipe.known("eval_steps")
    if not isinstance(every, int) or not isinstance(each, int) or every < 1 or each < 1:
        return
    if save == "steps" and every % each:
        yield Problem(
            "load_best_model_at_end",
            f"load_best_model_at_end with save_steps {every}, which is no multiple of eval_steps "
            f"{each}: transformers raises ValueError.",
            also=("save_steps", "eval_steps"),
        )


TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer", "trl.SFTTrainer")


def _lacks_evaluation_data(recipe: Recipe) -> bool:
    """Whether the one trainer of the script is seen whole, and gets no data to evaluate on."""
    found = [block for block in recipe.blocks if block.receiver.endswith("Trainer")]
    if len(found) != 1 or found[0].receiver not in TRAINERS or not found[0].complete:
        return False
    given = [call for call in recipe.calls if call.span == found[0].span]
    named = {key.name for key in found[0].keys}
    positional = any(name.isdigit() for call in given for name in call.things)
    return bool(given) and not positional and "eval_dataset" not in named
