"""Rule LL901, pad-is-eos."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument_is, first_argument
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Absent, Value, certainly
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PAD_IS_EOS_ISSUES, RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LL901",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "The end token is in no label of the collator of transformers, and in those of TRL."
        ),
        PAD_IS_EOS_ISSUES.says(
            "Models trained so rarely write the end token; all end tokens in the labels are "
            "overwritten with -100."
        ),
        RELEASES_READ.says(
            "SFTTrainer of TRL uses the collator of transformers up to 0.16.0, its own from 0.16.1 "
            "on."
        ),
    ],
    calls=("=pad_token", "=pad_token_id", "add_special_tokens"),
)
def pad_is_eos(
    program: Program, packing: Value, pinned_trl: VersionRange = ANY
) -> Iterator[Problem]:
    """Padding is the end token, and the collator takes padding out of the loss.

    ## What it checks
    `tokenizer.pad_token = tokenizer.eos_token`, or the same with `add_special_tokens`, not in an
    `if`, and the tokenizer in a `DataCollatorForLanguageModeling(mlm=False)` of transformers that
    goes to a trainer.

    - TRL's old `DataCollatorForCompletionOnlyLM`, and `SFTTrainer` where TRL is pinned below
      0.16.1, likewise.
    - A warning where the script shows that examples end with the end token (`add_eos_token`, a chat
      template, `eos_token` in a text, the model's end token written out), else info.

    ## Why it matters
    The collator sets every label that equals the padding token to -100. The real end of every
    example goes with it: nothing trains the model to write the end token (trl#976), and it may
    generate until the limit (trl#734). TRL's own collator, since 0.16.1, pads labels by length and
    is not concerned.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B", add_eos_token=True)
    tokenizer.pad_token = tokenizer.eos_token  # LL901: tokenizer.pad_token
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4),
        train_dataset=load(tokenizer),
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForLanguageModeling,
        Trainer,
        TrainingArguments,
    )

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B")
    tokenizer.pad_token = "<|finetune_right_pad_id|>"
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.2-1B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = Trainer(
        model=get_peft_model(model, lora),
        args=TrainingArguments("out", num_train_epochs=1, learning_rate=2e-4),
        train_dataset=load(tokenizer),
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )
    ```

    ## When to ignore it
    When the texts are cut into blocks without end tokens (continued pretraining).

    ## Options
    None.
    """
    calls = program.calls
    unpacked = isinstance(packing, Absent) or certainly(packing, False)
    sft_masks = unpacked and pinned_trl.certainly_below("0.16.1")
    for padding in calls.named("=pad_token", "=pad_token_id", ".add_special_tokens"):
        end = _end(padding)
        if padding.on is None or padding.on.part or not end:
            continue
        if calls.any_between(_pads_otherwise, padding.on, padding, None):
            continue
        given = calls.places(_is_given, padding.on)
        for place in given[bisect_right(given, calls.position(padding)) :]:
            call = calls[place]
            if not padding.certain_after(call):
                continue
            if _masks_padding(calls, call, padding, sft_masks=sft_masks):
                ends = _writes_end(calls, padding, call)
                yield Problem(
                    padding.span,
                    f"the collator at line {call.span.line} takes every {end} out of the loss with "
                    "the padding: the model does not learn to end.",
                    severity=None if ends else Severity.INFO,
                    help="Pad with a token of its own (an unused one, or unk_token), or use a "
                    "collator that goes by length.",
                    also=(call.span,),
                )
                break


def _end(padding: Call) -> str:
    """What the padding token of a tokenizer becomes, if that is its end token."""
    set_by = {"0.pad_token", "special_tokens_dict.pad_token"}
    set_by = set_by if padding.name.startswith(".") else {"value"}
    end = "eos_token_id" if padding.name == "=pad_token_id" else "eos_token"
    number = padding.on.number if padding.on is not None else 0
    values = [thing for name, thing in padding.things.items() if name in set_by]
    return end if Thing(number, end) in values else ""


def _writes_end(calls: Calls, padding: Call, collator: Call) -> bool:
    """Whether the script shows that its examples end with the end token."""
    tokenizer = padding.on
    if tokenizer is None or collator.name == "trl.DataCollatorForCompletionOnlyLM":
        return True
    loaded = calls.maker(tokenizer)
    if loaded is not None and argument_is(loaded.arguments.get("add_eos_token"), True):
        return True
    if loaded is not None and _ends_written_out(calls, loaded):
        return True
    for call in calls.touching(tokenizer):
        if call.on != tokenizer:
            continue
        if call.name in ("=add_eos_token", ".apply_chat_template"):
            return True
        if call.name == ".eos_token" and not _inside(call, padding):
            return True
    return False


_END_OF = {
    "</s>": ("llama-2", "llama-7b", "llama-13b", "mistral-7b", "mixtral", "tinyllama", "zephyr-7b"),
    "<|endoftext|>": ("gpt2", "pythia", "falcon-"),
    "<|end_of_text|>": ("llama-3",),
    "<eos>": ("gemma",),
}
"""End tokens, and how the names of models go that have them; of Llama 3 its base models."""


def _ends_written_out(calls: Calls, loaded: Call) -> bool:
    """Whether a text of the script ends with the model's end token."""
    name = first_argument(loaded, "pretrained_model_name_or_path")
    if not isinstance(name, str):
        return False
    last = name.lower().rpartition("/")[2].removeprefix("meta-")
    token = next((end for end, names in _END_OF.items() if last.startswith(names)), "")
    if token == "<|end_of_text|>" and "instruct" in last:  # noqa: S105
        token = "<|eot_id|>"  # noqa: S105
    return bool(token) and bool(calls.named(f'"{token}"'))


def _inside(read: Call, padding: Call) -> bool:
    return (read.span.cell, read.span.line) == (padding.span.cell, padding.span.line)


def _pads_otherwise(call: Call, tokenizer: Thing) -> bool:
    names = ("=pad_token", "=pad_token_id", ".add_special_tokens")
    return call.name in names and call.on == tokenizer


def _is_given(call: Call, tokenizer: Thing) -> bool:
    return tokenizer in call.things.values()


def _masks_padding(calls: Calls, call: Call, padding: Call, *, sft_masks: bool) -> bool:
    if call.name == "transformers.DataCollatorForLanguageModeling":
        masked = argument_is(call.arguments.get("mlm"), False)
    elif call.name == "trl.DataCollatorForCompletionOnlyLM":
        masked = not argument_is(call.arguments.get("mlm"), True)
    elif call.name == "trl.SFTTrainer" and "data_collator" not in call.arguments:
        return sft_masks and call.complete
    else:
        return False
    if not masked or call.made is None:
        return False
    return calls.any_between(_goes_to_trainer, call.made, padding, None)


def _goes_to_trainer(trainer: Call, collator: Thing) -> bool:
    return trainer.name.endswith("Trainer") and collator in trainer.things.values()
