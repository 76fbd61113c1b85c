"""Rule LL912, padding-in-labels."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import all_trainings, argument, argument_is, does_anything
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PADDED_LABELS_ISSUES, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

_COPIES = (".copy()", ".clone()", ".detach()", ".tolist()", ".squeeze()", ".long()", "[]", "[:]")
_KEEPING = (
    "transformers.DataCollatorForSeq2Seq",
    "transformers.DataCollatorWithPadding",
    "transformers.DefaultDataCollator",
    "transformers.default_data_collator",
)
"""Collators that take the labels as they come: they pad what is too short, and mask nothing."""
_TRAINERS = ("transformers.Trainer", "transformers.Seq2SeqTrainer")
_LOSSES = ("CrossEntropyLoss", "cross_entropy", "nll_loss", "NLLLoss")


@rule(
    "LL912",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "With the padded token ids as labels, the loss is the mean over the padding too; "
            "DataCollatorForSeq2Seq and default_data_collator leave those labels as they are."
        ),
        PADDED_LABELS_ISSUES.says(
            "Causal models take every label that is not -100 into the loss, the padding too."
        ),
    ],
    calls=("=[labels]", "__call__"),
)
def padding_in_labels(program: Program) -> Iterator[Problem]:
    """The labels are the padded token ids: the loss is mostly about padding.

    ## What it checks
    A tokenizer that pads with `padding="max_length"`, whose `input_ids` become the `labels` as they
    are: in a function that is mapped over the data, in a collator, in a dataset's `__getitem__`, or
    in a call of the model.

    - Not checked: labels that anything changes afterwards, a collator or a loss of somebody else,
      `DataCollatorForLanguageModeling`, which makes labels of its own.

    ## Why it matters
    A label counts unless it is -100. A text of 200 tokens padded to 2,048 gives a loss that is nine
    tenths padding, looks much too low, and spends most of the gradient on it.

    ## Bad
    ```python
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")


    def encode(row):
        row = tokenizer(row["text"], padding="max_length", truncation=True, max_length=1024)
        row["labels"] = row["input_ids"].copy()  # LL912: row["labels"]
        return row


    data = load_dataset("json", data_files="notes.jsonl", split="train").map(encode)
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    Trainer(model=get_peft_model(model, lora), args=args, train_dataset=data).train()
    ```

    ## Good
    ```python
    from datasets import load_dataset
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")


    def encode(row):
        row = tokenizer(row["text"], truncation=True, max_length=1024)
        row["labels"] = row["input_ids"].copy()
        return row


    data = load_dataset("json", data_files="notes.jsonl", split="train").map(encode)
    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=args,
        train_dataset=data,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    )
    trainer.train()
    ```

    ## When to ignore it
    When the model is to learn to write padding.

    ## Options
    None.
    """
    calls = program.calls
    for labels, padded in [*_set(calls), *_given_to_model(calls)]:
        tokenizer = Thing(padded.number)
        shared = [call for call in _tokenizings(calls, tokenizer) if _together(call, labels)]
        if not shared or not all(_pads(call) for call in shared):
            continue
        if not _may_be_masked(calls, tokenizer, labels) and _are_kept(calls):
            yield Problem(
                labels.span,
                "the labels are the padded token ids: the loss counts every padding token.",
                help="Set the labels of the padding to -100, or pad in the collator "
                "(DataCollatorForSeq2Seq pads labels with -100).",
                also=(shared[-1].span,),
            )
            return


def _set(calls: Calls) -> Iterator[tuple[Call, Thing]]:
    """Where labels are set in a row or a batch that a function makes."""
    for call in calls.named("=[labels]"):
        padded = call.things.get("value")
        if padded is not None and _is_token_ids(padded) and any(arm < 0 for arm in call.branch):
            yield call, padded


def _given_to_model(calls: Calls) -> Iterator[tuple[Call, Thing]]:
    """Where a model that is trained is called with labels."""
    models = _models(calls)
    for call in calls.named(".__call__"):
        padded = call.things.get("labels")
        if padded is None or call.on is None or call.on.number not in models:
            continue
        if _is_token_ids(padded):
            yield call, padded


def _models(calls: Calls) -> set[int]:
    """The models that are trained: what they are given stays as it is."""
    return {training.model.number for training in all_trainings(calls)}


def _is_token_ids(thing: Thing) -> bool:
    part = thing.part
    while part.endswith(_COPIES):
        part = next(part.removesuffix(end) for end in _COPIES if part.endswith(end))
    return part == '__call__()["input_ids"]'


def _tokenizings(calls: Calls, tokenizer: Thing) -> list[Call]:
    return [
        call
        for call in calls.touching(tokenizer)
        if call.name == ".__call__" and call.on == tokenizer
    ]


def _together(call: Call, labels: Call) -> bool:
    """Whether texts are tokenized in the function that sets these labels, or for the model."""
    if labels.name == "=[labels]":
        return call.branch[:1] == labels.branch[:1]
    return any(arm < 0 for arm in call.branch)


def _pads(call: Call) -> bool:
    return argument_is(call.arguments.get("padding"), "max_length")


def _may_be_masked(calls: Calls, tokenizer: Thing, labels: Call) -> bool:
    """Whether anything may change the token ids, or the labels that they became."""
    models = _models(calls)
    touching = [
        call
        for call in calls.touching(tokenizer)
        if call.on != tokenizer and (call.on is None or call.on.number not in models)
    ]
    if len(calls.named("=[labels]")) > 1 or _maps_unknown(calls, labels):
        return True
    if any(call.on is not None and '"labels"' in call.on.part for call in calls.named("=[]")):
        return True
    return any(
        call.name == "=[]" or _in_place(call) or _is_unknown(call, tokenizer) for call in touching
    )


def _maps_unknown(calls: Calls, labels: Call) -> bool:
    """Whether a function that is not known goes over the data afterwards."""
    places = [calls.position(call) for call in calls.named(".map") if not call.returned]
    return any(place > calls.position(labels) for place in places)


def _is_unknown(call: Call, tokenizer: Thing) -> bool:
    """Whether a call may do anything to what the tokenizer made; it may be given it itself."""
    made = [each for each in call.things.values() if each.number == tokenizer.number and each.part]
    return bool(made) and does_anything(call, tokenizer)


def _in_place(call: Call) -> bool:
    return call.name.startswith(".") and call.name.endswith("_") and not call.name.endswith("__")


def _are_kept(calls: Calls) -> bool:
    """Whether every training certainly takes the labels as they come."""
    trainings = list(all_trainings(calls))
    loops = [training for training in trainings if not training.setup.name.endswith("Trainer")]
    if not trainings or any(call.name.rpartition(".")[2] in _LOSSES for call in calls):
        return False
    if any(call.name == ".backward" and call.on is None for call in calls):
        return False  # the trainer has a loss of its own
    loaders = [call for call in calls if call.name.endswith("DataLoader")] if loops else []
    others = [training.setup for training in trainings if training not in loops]
    return all(call.name in _TRAINERS for call in others) and all(
        _takes_as_they_come(calls, call) for call in (*loaders, *others)
    )


def _takes_as_they_come(calls: Calls, call: Call) -> bool:
    for name in ("data_collator", "collate_fn"):
        if name in call.returned or call.functions.get(name) in _KEEPING:
            return True
        collator = calls.maker(call.things.get(name))
        if collator is not None and collator.name in _KEEPING:
            return True
    given = [argument(call, name, None) for name in ("data_collator", "collate_fn")]
    return given == [None, None]
