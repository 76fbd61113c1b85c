"""Rule LLB45, classifier-without-padding-id."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    Training,
    all_trainings,
    argument,
    base_load,
    first_argument,
    is_unknown,
    of,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PADDING_ID_ISSUES, RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_WITHOUT = (
    "mistralai/mistral-7b-",
    "qwen/qwen2-",
    "qwen/qwen2.5-",
    "qwen/qwen3-",
    "meta-llama/llama-3",
    "meta-llama/meta-llama-3",
    "openai-community/gpt2",
    "eleutherai/pythia-",
)
"""Decoders whose published configuration has no padding id; copies by others may have one."""
_CONFIGURES = {"pad_token_id", "config"}


@rule(
    "LLB45",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "A decoder as a classifier raises ValueError for two rows without a padding id; the "
            "Trainer takes it from the tokenizer that it is given."
        ),
        RELEASES_READ.says(
            "transformers aligns the model's special tokens with the tokenizer from 4.56 on, TRL's "
            "RewardTrainer sets the padding id from 0.24 on."
        ),
        PADDING_ID_ISSUES.says("ValueError: Cannot handle batch sizes > 1."),
    ],
    calls=("from_pretrained",),
)
def classifier_without_padding_id(
    program: Program, pinned_transformers: VersionRange = ANY, pinned_trl: VersionRange = ANY
) -> Iterator[Problem]:
    """A decoder is trained as a classifier, and its configuration has no padding id.

    ## What it checks
    A decoder whose published configuration has none (Llama 3, Mistral 7B, Qwen2 to 3, GPT-2,
    Pythia), loaded as `...ForSequenceClassification` and trained in batches of two or more, while
    the script never sets `model.config.pad_token_id`.

    - Left alone: a `Trainer` that is given the tokenizer, unless transformers is pinned below 4.56;
      `RewardTrainer`, unless TRL is below 0.24 as well.
    - Not checked: another configuration, and anything unknown that is given the model.

    ## Why it matters
    The class reads its answer at the last token that is no padding, by the model's own padding id:
    one that only the tokenizer has does not count. It raises ValueError at the first batch.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

    model = AutoModelForSequenceClassification.from_pretrained("Qwen/Qwen2.5-0.5B")  # LLB45
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=load())
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

    model = AutoModelForSequenceClassification.from_pretrained("Qwen/Qwen2.5-0.5B")
    model.config.pad_token_id = 151643
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="SEQ_CLS")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(model=get_peft_model(model, lora), args=args, train_dataset=load())
    trainer.train()
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    calls = program.calls
    for training in all_trainings(calls):
        load = base_load(calls, training.model)
        if load is None or not _classifies_without(load) or not _batches(calls, training):
            continue
        if calls.any_between(_may_set, training.model, load, training.start):
            continue
        if not _is_aligned(training.setup, pinned_transformers, pinned_trl):
            yield Problem(
                load.span,
                "no padding id: the classifier raises ValueError for a batch of two or more "
                f"(trained at line {training.start.span.line}).",
                help="Set model.config.pad_token_id = tokenizer.pad_token_id.",
                also=(training.start.span,),
            )
            return


def _classifies_without(load: Call) -> bool:
    """Whether a load certainly gives a decoder as a classifier, without a padding id."""
    if not load.name.endswith("ForSequenceClassification.from_pretrained") or not load.complete:
        return False
    if load.arguments.keys() & _CONFIGURES:
        return False
    name = first_argument(load, "pretrained_model_name_or_path")
    return isinstance(name, str) and name.lower().startswith(_WITHOUT)


def _may_set(call: Call, model: Thing) -> bool:
    if call.name in ("=pad_token_id", "=config", ".update") and of(call, model):
        return True
    return is_unknown(call, model) and not call.name.endswith("Trainer")


def _batches(calls: Calls, training: Training) -> bool:
    """Whether rows certainly go through the model two or more at a time."""
    if not training.setup.name.endswith("Trainer"):
        loaders = [call for call in calls if call.name.endswith("DataLoader")]
        return bool(loaders) and all(_is_several(argument(c, "batch_size", 1)) for c in loaders)
    args = calls.maker(training.setup.things.get("args"))
    if args is None or not args.name.startswith(("transformers.", "trl.")):
        return False
    return _is_several(argument(args, "per_device_train_batch_size", 8))


def _is_several(size: object) -> bool:
    return isinstance(size, int) and size > 1


def _is_aligned(setup: Call, transformers: VersionRange, trl: VersionRange) -> bool:
    """Whether the trainer may give the model the padding id of the tokenizer."""
    if not setup.name.endswith("Trainer"):
        return False
    if setup.name == "trl.RewardTrainer":
        return not (trl.certainly_below("0.24") and transformers.certainly_below("4.56"))
    if not setup.name.startswith("transformers.") or not setup.complete:
        return True
    given = {"processing_class", "tokenizer"} & setup.arguments.keys()
    return bool(given) and not transformers.certainly_below("4.56")
