"""Rule LL905, double-bos."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument,
    argument_is,
    comes_before,
    first_argument,
    of,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import CHAT_TEMPLATES, DOUBLE_BOS_ISSUES, LLAMA_TWO_STARTS, SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing

TEMPLATES_WITH_START = (
    "llama-2-",
    "llama-3",
    "mistral-7b-instruct",
    "mixtral-8x7b-instruct",
    "gemma",
)
"""Chat models whose template writes the start token and whose tokenizer adds one as well."""


@rule(
    "LL905",
    Severity.WARNING,
    evidence=[
        CHAT_TEMPLATES.says("The templates of Llama 2 and 3, Mistral and Gemma write bos_token."),
        DOUBLE_BOS_ISSUES.says(
            "A text column that the template made is tokenized with special tokens once more."
        ),
        LLAMA_TWO_STARTS.says(
            "The text of the template, tokenized again, begins with 128000 twice."
        ),
        SCRIPT_RUNS.says(
            "A template that writes the start token and a tokenizer that adds it give two; "
            "add_special_tokens=False gives one."
        ),
    ],
    calls=("apply_chat_template",),
)
def double_bos(program: Program) -> Iterator[Problem]:
    """A text made by the chat template is tokenized with special tokens: it starts with two.

    ## What it checks
    The text of `apply_chat_template(..., tokenize=False)`, in a function that is mapped over the
    data, goes to the same tokenizer without `add_special_tokens=False`.

    - Or into the text column of TRL's `SFTTrainer`, which tokenizes it so: by a mapped function, a
      `formatting_func` or `Dataset.from_dict`.
    - Checked for the chat models of Llama 2 and 3, Mistral and Gemma.
    - Not checked: a tokenizer whose `chat_template` or `add_bos_token` the script sets,
      `dataset_kwargs`.

    ## Why it matters
    Their template already writes the start token, and their tokenizer adds one more. The model is
    trained on texts that begin with two start tokens, where the template gives one.

    ## Bad
    ```python
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B-Instruct")


    def tokenize(example):
        text = tokenizer.apply_chat_template(example["messages"], tokenize=False)
        return tokenizer(text, truncation=True, max_length=1024)  # LL905


    data = load_dataset("trl-lib/Capybara", split="train").map(tokenize)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    ```

    ## Good
    ```python
    from datasets import load_dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-1B-Instruct")


    def tokenize(example):
        text = tokenizer.apply_chat_template(example["messages"], tokenize=False)
        return tokenizer(text, truncation=True, max_length=1024, add_special_tokens=False)


    data = load_dataset("trl-lib/Capybara", split="train").map(tokenize)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    ```

    ## When to ignore it
    When the template was replaced by one without a start token.

    ## Options
    None.
    """
    calls = program.calls
    for call in calls.named(".__call__", ".encode"):
        tokenizer = call.on
        if tokenizer is None or tokenizer.part:
            continue
        if not any(arm < 0 for arm in call.branch) or "add_special_tokens" in call.arguments:
            continue
        text = [t for name, t in call.things.items() if name.partition(".")[0] in ("0", "text")]
        if not call.complete or Thing(tokenizer.number, "apply_chat_template()") not in text:
            continue
        if calls.any_between(_gives_tokens, tokenizer, None, call) or not _starts(calls, tokenizer):
            continue
        made = calls.places(_applies_template, tokenizer)
        before = bisect_left(made, calls.position(call))
        if before:
            yield Problem(
                call.span,
                "the text begins with the template's start token, and the tokenizer adds another.",
                help="Pass add_special_tokens=False.",
                also=(calls[made[before - 1]].span,),
            )
    for trainer in calls.named("trl.SFTTrainer"):
        yield from _text_column(calls, trainer)


def _text_column(calls: Calls, trainer: Call) -> Iterator[Problem]:
    """A trainer of TRL tokenizes a column of texts with special tokens."""
    tokenizer = trainer.things.get("processing_class") or trainer.things.get("tokenizer")
    field = _text_field(calls, trainer)
    if tokenizer is None or tokenizer.part or field is None or not trainer.complete:
        return
    text = _text(calls, trainer, field)
    if text != Thing(tokenizer.number, "apply_chat_template()"):
        return
    if calls.any_between(_gives_tokens, tokenizer, None, trainer) or not _starts(calls, tokenizer):
        return
    made = [calls[place] for place in calls.places(_applies_template, tokenizer)]
    made = [call for call in made if any(arm < 0 for arm in call.branch)]
    if made:
        yield Problem(
            made[0].span,
            f"the text begins with the template's start token, and SFTTrainer (line "
            f"{trainer.span.line}) adds another.",
            help="Give SFTTrainer the messages instead of a text, or take the start token off: "
            "text.removeprefix(tokenizer.bos_token).",
            also=(trainer.span,),
        )


def _text_field(calls: Calls, trainer: Call) -> str | None:
    """The column that the trainer tokenizes, if it is known and tokenized as usual."""
    made = calls.maker(trainer.things.get("args"))
    if made is None and "args" in trainer.arguments:
        return None
    given = [call for call in (trainer, made) if call is not None]
    if any("dataset_kwargs" in call.arguments or not call.complete for call in given):
        return None
    named = [call for call in given if "dataset_text_field" in call.arguments]
    field = argument(named[0], "dataset_text_field", None) if named else "text"
    return field if isinstance(field, str) else None


def _text(calls: Calls, trainer: Call, field: str) -> Thing | None:
    """What stands in that column, as the last that made it says."""
    if "formatting_func" in trainer.arguments:
        formatted = trainer.returned.get("formatting_func", {})
        known = not _has_messages(calls, trainer) and not _gives_list(calls, trainer)
        return formatted.get("") if known else None
    data = trainer.things.get("train_dataset")
    if data is None:
        return None
    maker = calls.maker(Thing(data.number))
    before = [call for call in calls.touching(data) if comes_before(calls, call, trainer)]
    maps = [call for call in before if call.name == ".map" and of(call, data)]
    if maps:
        rows = next(iter(maps[-1].returned.values()), {})
        known = maps[-1].certain_after(trainer) and not _has_messages(calls, maps[-1])
        return rows.get(field) if known else None
    if maker is not None and maker.name.startswith("datasets.Dataset.from_"):
        return maker.things.get(f"0.{field}")
    return None


def _gives_list(calls: Calls, trainer: Call) -> bool:
    """Whether templates are applied in a loop of the function, which newer TRL does not take."""
    loops = sum(arm < 0 for arm in trainer.branch) + 1
    made = calls.named(".apply_chat_template")
    return any(sum(arm < 0 for arm in call.branch) > loops for call in made)


def _has_messages(calls: Calls, call: Call) -> bool:
    """Whether the data may hold messages beside the text: newer TRL takes these."""
    if "remove_columns" in call.arguments:
        return False
    keys = tuple(f'["{key}"]' for key in ("messages", "prompt", "completion", "conversations"))
    return any(
        thing.part.endswith(keys)
        for made in calls.named(".apply_chat_template")
        for thing in made.things.values()
    )


def _applies_template(call: Call, tokenizer: Thing) -> bool:
    return call.name == ".apply_chat_template" and call.on == tokenizer


def _gives_tokens(call: Call, tokenizer: Thing) -> bool:
    """Whether a template is applied, and may give tokens instead of a text."""
    given = call.arguments.get("tokenize") if _applies_template(call, tokenizer) else None
    return _applies_template(call, tokenizer) and not argument_is(given, False)


def _sets_start(call: Call, tokenizer: Thing) -> bool:
    return call.name in ("=chat_template", "=add_bos_token") and call.on == tokenizer


def _starts(calls: Calls, tokenizer: Thing) -> bool:
    """Whether a tokenizer is known to add a start token that its template writes as well."""
    loaded = calls.maker(tokenizer)
    if loaded is None or loaded.name != "transformers.AutoTokenizer.from_pretrained":
        return False
    if calls.places(_sets_start, tokenizer):
        return False
    name = first_argument(loaded, "pretrained_model_name_or_path")
    if not isinstance(name, str):
        return False
    last = name.lower().rpartition("/")[2].replace("meta-", "")
    chat = "instruct" in last or "chat" in last or "-it" in last
    return chat and last.startswith(TEMPLATES_WITH_START)
