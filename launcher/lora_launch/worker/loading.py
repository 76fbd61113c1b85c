"""From a configuration's sections to the libraries' objects. Runs in the worker."""

from __future__ import annotations

import os
from typing import Any

from lora_launch.errors import LaunchError
from lora_launch.gate.examples import LOADERS, kind_of
from lora_launch.opaque import Opaque

MODEL_KEYS_OF_TOKENIZER = (
    "revision",
    "trust_remote_code",
    "cache_dir",
    "local_files_only",
    "token",
    "subfolder",
)


def quantization(section: dict[str, Any]) -> Opaque:
    """``BitsAndBytesConfig``, or nothing if the section is empty."""
    if not section:
        return None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(**section)


def lora(section: dict[str, Any]) -> Opaque:
    """``LoraConfig``; a causal language model unless told otherwise."""
    from peft import LoraConfig

    return LoraConfig(**{"task_type": "CAUSAL_LM", **section})


def tokenizer(model: dict[str, Any], training: dict[str, Any]) -> Opaque:
    """The model's tokenizer.

    Raises:
        LaunchError: if it has neither a padding nor an end token.
    """
    from transformers import AutoTokenizer

    known = {key: model[key] for key in MODEL_KEYS_OF_TOKENIZER if key in model}
    name = model["pretrained_model_name_or_path"]
    found = AutoTokenizer.from_pretrained(name, **known)
    if found.pad_token is None and not training.get("pad_token") and found.eos_token is None:
        raise LaunchError(
            f"The tokenizer of {name} has no padding token and no end token: name one of its"
            " vocabulary in training.pad_token, and an end token in training.eos_token."
        )
    if found.eos_token is None and not training.get("eos_token"):
        raise LaunchError(
            f"The tokenizer of {name} has no end token: name one in training.eos_token."
        )
    return found


def check_chat(found: Opaque, data: Opaque, training: dict[str, Any], model: str) -> None:
    """See that chats can be rendered.

    Raises:
        LaunchError: if the data is chat and the tokenizer has no template for it.
    """
    row = next(iter(data))
    chat = any(isinstance(row.get(key), list) for key in ("messages", "conversations", "prompt"))
    if chat and not found.chat_template and not training.get("chat_template_path"):
        raise LaunchError(
            f"The data is chat, and the tokenizer of {model} has no chat template. Name a .jinja"
            " file, or a model whose template fits, in training.chat_template_path."
        )


def dataset(data: dict[str, Any], part: str, text_field: str) -> Opaque:
    """The rows of ``train`` or ``eval``; ``None`` if there is no such part.

    Raises:
        LaunchError: if nothing is in it, or its columns are not known to TRL.
    """
    names = data.get(part)
    if not names:
        return None
    from datasets import concatenate_datasets, load_dataset

    split = data.get("split" if part == "train" else "eval_split") or "train"
    parts = []
    for name in names:
        loader = LOADERS.get(os.path.splitext(name)[1].lower())
        if loader is not None and os.path.isfile(name):
            tabs = {"sep": "\t"} if name.endswith(".tsv") else {}
            parts.append(load_dataset(loader, data_files=name, split=split, **tabs))
        else:
            parts.append(load_dataset(name, data.get("name"), split=split))
    rows = parts[0] if len(parts) == 1 else concatenate_datasets(parts)
    limit = data.get("max_samples" if part == "train" else "max_eval_samples")
    if limit is not None:
        rows = rows.select(range(min(limit, len(rows))))
    columns = {old: new for old, new in data.get("columns", {}).items() if old in rows.column_names}
    rows = rows.rename_columns(columns) if columns else rows
    if len(rows) == 0:
        raise LaunchError(f"data.{part} ({', '.join(names)}, {split}) has no rows.")
    if not kind_of(rows[0], text_field):
        raise LaunchError(
            f"data.{part} has the columns {', '.join(rows.column_names)}; TRL knows messages,"
            " prompt and completion, or text. data.columns can rename them."
        )
    return rows


def model_arguments(section: dict[str, Any], training: dict[str, Any]) -> dict[str, Any]:
    """``model_init_kwargs``: what TRL hands to ``from_pretrained``."""
    own = {key: value for key, value in section.items() if key != "pretrained_model_name_or_path"}
    return {**(training.get("model_init_kwargs") or {}), **own}
