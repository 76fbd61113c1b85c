"""The best configuration as a file of its own, that ``lora-launch --config`` takes anywhere."""

from __future__ import annotations

import os

from lora_launch.config.document import Document
from lora_launch.config.overrides import change
from lora_launch.gate import checks, examples
from lora_launch.sweep.base import Base
from lora_launch.sweep.rows import Row


def write(path: str, row: Row, ran: int, base: Base) -> str:
    """Write the configuration of the best trial; the answer is its text.

    Its comments stay. Paths become absolute, since the file lies elsewhere; on GPUs the number of
    devices is written down, since the global batch is that of the trials only with it.
    """
    document = row.judged.document
    document = _set(document, base.output_key, os.path.join(os.path.dirname(path), "best"))
    document = _set(document, "run.name", f"{base.name}-best")
    model = base.config.given("model")
    name = checks.model(model, base.document.folder)
    if name != model["pretrained_model_name_or_path"]:
        document = _set(document, _model_key(document), name)
    for part in ("train", "eval"):
        document = _found(document, part, base)
    if base.devices.kind == "cuda":
        document = _set(document, "hardware.count", base.devices.count)
    number = row.judged.candidate.number
    head = (
        f"# The best of {ran} trials of `lora-launch sweep`: {row.judged.candidate.words}.\n"
        f"# Evaluation loss {row.loss:.4f}; its adapter is in trial-{number:03}/adapter.\n"
    )
    text = head + document.text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return text


def _set(document: Document, key: str, value: object) -> Document:
    return document._replace(text=change(document, key, value))


def _model_key(document: Document) -> str:
    """``model: name`` is short for the key."""
    from lora_launch.config.document import tree
    from lora_lint.read.tree import Mapping

    entry = tree(document).get("model")
    is_short = entry is not None and not isinstance(entry.node, Mapping)
    return "model" if is_short else "model.pretrained_model_name_or_path"


def _found(document: Document, part: str, base: Base) -> Document:
    given = base.config.given("data")[part]
    names = examples.files(given)
    found = examples.resolve(names, base.document.folder)
    if found == names:
        return document
    return _set(document, f"data.{part}", found if isinstance(given, list) else found[0])
