"""What the framework that reads a file refuses before it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from lora_rules.evidence import FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE
from lora_rules.recipe import Block, Key, Recipe
from lora_rules.rule import Problem, Severity, rule


class Pair(NamedTuple):
    """Two keys of which a framework takes one."""

    first: str
    second: str
    why: str = "exclude each other"


AXOLOTL = (
    Pair("warmup_steps", "warmup_ratio"),
    Pair("saves_per_epoch", "save_steps"),
    Pair("evals_per_epoch", "eval_steps"),
    Pair("gradient_accumulation_steps", "batch_size"),
    Pair("test_datasets", "val_set_size"),
    Pair("rl", "sample_packing", "do not go together"),
    Pair("lr_groups", "loraplus_lr_ratio"),
    Pair("peft_layers_to_transform", "unfrozen_parameters"),
)
LLAMA_FACTORY = (
    Pair("quantization_bit", "pissa_init", "do not go together"),
    Pair("quantization_bit", "resize_vocab", "do not go together"),
    Pair("eval_dataset", "val_size"),
    Pair("streaming", "max_samples"),
)
"""Both are written and neither is false or zero: ValueError, whatever the rest says."""


@rule("LL012", Severity.ERROR, evidence=[FRAMEWORK_SOURCES, TRANSFORMERS_SOURCE, TRL_SOURCE])
def refused_by_framework(recipe: Recipe) -> Iterator[Problem]:
    """Keys that the framework refuses together, or one that it refuses without another.

    ## What it checks
    - axolotl: pairs that its validation refuses (`warmup_steps` and `warmup_ratio`,
      `saves_per_epoch` and `save_steps`, `evals_per_epoch` and `eval_steps`, `test_datasets` and
      `val_set_size`, `rl` and `sample_packing`, and others); `save_steps` or `eval_steps` with a
      strategy that is not "steps"; `adapter: qlora` without `load_in_4bit`.
    - LLaMA-Factory: `quantization_bit` with `pissa_init` or `resize_vocab`, `eval_dataset` with
      `val_size`, evaluation without either, `streaming` without `max_steps`, `neat_packing` and
      `train_on_prompt` outside `stage: sft`.
    - litgpt: `quantize` with a mixed `precision` or several `devices`. torchtune: `dtype: fp16`.
    - transformers and TRL: `load_best_model_at_end` with strategies or steps that do not match,
      an `eval_strategy` without `eval_dataset`, packing without a `max_length`.

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
    check = CHECKS.get(recipe.dialect)
    if check is not None and recipe.blocks:
        yield from check(recipe, _written(recipe.blocks[0]))


Written = Mapping[str, Key]


def _written(block: Block) -> Written:
    return {key.name: key for key in block.keys}


def _known(key: Key) -> tuple[object, ...]:
    """What a key is given; nothing where a template is still to be filled in."""
    templates = any("${" in str(value) or "{{" in str(value) for value in key.candidates)
    return () if templates else key.candidates


def _value(written: Written, name: str) -> object:
    known = _known(written[name]) if name in written else ()
    return known[0] if len(known) == 1 else None


def _is_set(written: Written, name: str) -> bool:
    """Whether a key is there and certainly neither false, zero nor empty."""
    known = _known(written[name]) if name in written else ()
    return bool(known) and all(map(bool, known))


def _is_unset(written: Written, name: str) -> bool:
    """Whether a key is not there, or certainly false, zero or empty."""
    if name not in written:
        return True
    known = _known(written[name])
    return bool(known) and not any(map(bool, known))


def _at(written: Written, name: str, message: str, *also: str) -> Problem:
    key = written[name]
    others = tuple(written[each].value_span or written[each].span for each in also)
    return Problem(key.value_span or key.span, message, also=others)


def _pairs(written: Written, pairs: tuple[Pair, ...], by: str) -> Iterator[Problem]:
    for first, second, why in pairs:
        if _is_set(written, first) and _is_set(written, second):
            text = f"{first} and {second} {why}: {by} raises ValueError."
            yield _at(written, second, text, first)


def _axolotl(_recipe: Recipe, written: Written) -> Iterator[Problem]:
    yield from _pairs(written, AXOLOTL, "axolotl")
    for steps, strategy in (("save_steps", "save_strategy"), ("eval_steps", "eval_strategy")):
        chosen = _value(written, strategy)
        if _is_set(written, steps) and isinstance(chosen, str) and chosen != "steps":
            text = f'{steps} with {strategy}: "{chosen}": axolotl raises ValueError.'
            yield _at(written, steps, text, strategy)
    if _value(written, "adapter") == "qlora" and _is_unset(written, "load_in_4bit"):
        text = "adapter: qlora without load_in_4bit: true: axolotl raises ValueError."
        yield _at(written, "adapter", text)


def _llama_factory(_recipe: Recipe, written: Written) -> Iterator[Problem]:
    yield from _pairs(written, LLAMA_FACTORY, "LLaMA-Factory")
    stage = _value(written, "stage")
    for name in ("neat_packing", "train_on_prompt", "mask_history", "predict_with_generate"):
        if isinstance(stage, str) and stage != "sft" and _is_set(written, name):
            text = f"{name} outside stage: sft: LLaMA-Factory raises ValueError."
            yield _at(written, name, text, "stage")
    if _is_set(written, "streaming") and _is_unset(written, "max_steps"):
        text = "streaming without max_steps: LLaMA-Factory raises ValueError."
        yield _at(written, "streaming", text)
    held_out = not (_is_unset(written, "eval_dataset") and _is_unset(written, "val_size"))
    for name in ("eval_strategy", "do_eval"):
        if _is_set(written, name) and _value(written, name) not in ("no", None) and not held_out:
            text = f"{name} without eval_dataset or val_size: LLaMA-Factory raises ValueError."
            yield _at(written, name, text)
            return


def _litgpt(_recipe: Recipe, written: Written) -> Iterator[Problem]:
    if not _is_set(written, "quantize"):
        return
    if "mixed" in str(_value(written, "precision")):
        text = "quantize with a mixed precision: litgpt raises ValueError."
        yield _at(written, "precision", text, "quantize")
    devices = _value(written, "devices")
    if isinstance(devices, int) and devices > 1:
        text = "quantize on several devices: litgpt raises NotImplementedError."
        yield _at(written, "devices", text, "quantize")


def _torchtune(_recipe: Recipe, written: Written) -> Iterator[Problem]:
    if _value(written, "dtype") == "fp16":
        yield _at(written, "dtype", "dtype: fp16: torchtune's recipes raise ValueError.")


def _trainer(recipe: Recipe, _adapter: Written) -> Iterator[Problem]:
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
    whole = isinstance(every, int) and isinstance(each, int) and every >= 1 and each >= 1
    if save == "steps" and whole and int(str(every)) % int(str(each)):
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


CHECKS: Mapping[str, Callable[[Recipe, Written], Iterator[Problem]]] = {
    "axolotl": _axolotl,
    "llamafactory": _llama_factory,
    "litgpt": _litgpt,
    "torchtune": _torchtune,
    "peft": _trainer,
    "unsloth": _trainer,
}
