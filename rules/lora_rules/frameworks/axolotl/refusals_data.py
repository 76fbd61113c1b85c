"""What axolotl refuses, or does not read, of new tokens, data sets and the base model's name."""

from __future__ import annotations

from functools import partial

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.keys import kebab
from lora_rules.engine.refusals import Refusal, Written, equals, given, where

EMBEDDINGS = (
    {"embed_tokens", "lm_head"},
    {"embed_in", "embed_out"},
    {"word_embeddings", "lm_head"},
    {"embeddings", "lm_head"},
)
"""What it wants in ``lora_modules_to_save``, by the kind of model (``loaders/utils.py``)."""
WITHOUT_CHATML = lazily(
    r"(?:meta-llama|nousresearch|unsloth|huggyllama)/(?:meta-)?(?:llama|codellama)-(?:2|3(?:\.[123])?)-"
    r"\d+b(?:-chat|-instruct)?(?:-hf)?$"
    r"|(?:mistralai|unsloth)/mistral-7b-(?:instruct-)?v0\.[123]$"
    r"|(?:codellama|huggyllama)/(?:codellama|llama)-\d+b(?:-python|-instruct)?(?:-hf)?$"
)
"""Base models whose vocabulary has no token of ChatML: the tokenizer splits it into six or more."""
CHATML = ("<|im_start|>", "<|im_end|>")
ADAPTER_NAME = lazily(r"[-_](lora|adapter)/*$")
BUILT_IN = frozenset(
    [
        "alpaca",
        "alpaca_chat",
        "alpaca_instruct",
        "alpaca_w_system",
        "chat_template",
        "context_qa",
        "creative_acr",
        "explainchoice",
        "concisechoice",
        "gpteacher",
        "input_output",
        "jeopardy",
        "llama2_chat",
        "metharme",
        "oasst",
        "orcamini",
        "pygmalion",
        "reflection",
        "sharegpt",
        "summarizetldr",
    ]
)
"""Its own types of data sets that take their columns from other keys."""
TOKENS = ("eos_token", "bos_token", "unk_token")
"""Those that it compares with the tokenizer's; a padding token needs no embedding."""
LORA = equals("adapter", "lora", "qlora")


def _lacks_embeddings(keys: Written) -> bool:
    name = "lora_modules_to_save"
    if keys.is_missing(name):
        return True
    saved = keys.value(name)
    return isinstance(saved, list) and not any(each <= set(map(str, saved)) for each in EMBEDDINGS)


def _is_foreign(keys: Written, token: str) -> bool:
    """Whether a special token is one of ChatML's, which the base model does not have."""
    base = keys.value("base_model")
    if keys.value(f"special_tokens.{token}") not in CHATML or not isinstance(base, str):
        return False
    return WITHOUT_CHATML.match(base.lower()) is not None


def _has_unread_field(keys: Written) -> bool:
    rows = keys.value("datasets")
    return isinstance(rows, list) and any(_ignores_field(row) for row in rows)


def _ignores_field(row: object) -> bool:
    if not isinstance(row, dict) or not row.get("field") or not isinstance(row.get("type"), str):
        return False
    kind = row["type"].partition(":")[0].partition(".")[0]
    return kind in BUILT_IN


def _is_adapter_by_name(keys: Written) -> bool:
    base = keys.value("base_model")
    return isinstance(base, str) and ADAPTER_NAME.search(base.lower()) is not None


DATA = (
    Refusal(
        "tokens-needs-saved-embeddings",
        "tokens",
        (LORA, given("tokens"), where(_lacks_embeddings, "lora_modules_to_save")),
        "tokens with an adapter, and lora_modules_to_save without the embeddings and the head",
        "Write lora_modules_to_save: [embed_tokens, lm_head], or what the model calls them.",
        why="The rows of new tokens are random, and nothing else trains them.",
    ),
    *(
        Refusal(
            f"new-{kebab(token)}-needs-saved-embeddings",
            f"special_tokens.{token}",
            (
                LORA,
                where(
                    partial(_is_foreign, token=token),
                    f"special_tokens.{token}",
                    "base_model",
                ),
                where(_lacks_embeddings, "lora_modules_to_save"),
            ),
            f"a special_tokens.{token} that the base model's vocabulary does not have, and "
            "lora_modules_to_save without the embeddings and the head",
            "Write lora_modules_to_save: [embed_tokens, lm_head], or keep the model's own token.",
            why="The row of a new token is random, and nothing else trains it.",
        )
        for token in TOKENS
    ),
    Refusal(
        "dataset-field-needs-completion",
        "datasets",
        (where(_has_unread_field, "datasets"),),
        "datasets[].field with a type that does not read it: only type: completion does",
        "Write type: completion, or name the columns as the type does: field_instruction, "
        "field_output, field_messages.",
        raises="",
    ),
    Refusal(
        "base-model-is-an-adapter-by-name",
        "base_model",
        (LORA, where(_is_adapter_by_name, "base_model")),
        "a base_model that is an adapter by its name: axolotl puts a new adapter beside it, and "
        "merges with the wrong model",
        "Name the model that it was trained on as base_model, and the adapter as lora_model_dir.",
        raises="",
    ),
)
