"""What a model class creates anew beside the checkpoint and PEFT's task does not save.

Read from transformers 5.24: every class of the mappings for sequence classification, token
classification and question answering was built, and its modules beside the base model compared with
those that PEFT 0.21.2 adds to ``modules_to_save`` for the task (``classifier``, ``score``,
``qa_outputs``). ModernBERT's ``head`` is in its checkpoints. Only checkpoints of base models are
listed: one that was fine-tuned for the class has the modules.
"""

from __future__ import annotations

from collections.abc import Sequence

from lora_rules.engine._startup.typed import NamedTuple


class Fresh(NamedTuple):
    """Modules of a class that start at random."""

    checkpoints: str
    """A regular expression of ids, in small letters."""
    loaded: str
    """How the class ends that such a checkpoint is loaded as."""
    layers: tuple[str, ...]
    """The paths of the layers."""
    head: bool = False
    """They give the labels, so that nothing is classified without them."""


_SEQUENCE = "ForSequenceClassification"
_POOLER = ("pooler.dense",)
_HEAD = ("classification_head.dense", "classification_head.out_proj")
_SUMMARY = ("sequence_summary.summary",)
_SIZES = "(small|base|large|xl|xxl)"

ROWS: Sequence[Fresh] = (
    Fresh(r"microsoft/deberta-(base|large|xlarge)", _SEQUENCE, _POOLER),
    Fresh(
        r"microsoft/(m?deberta-v3-(xsmall|small|base|large)|deberta-v2-xx?large)",
        _SEQUENCE,
        _POOLER,
    ),
    Fresh(r"facebook/(bart-(base|large)|mbart-large-(cc25|50))", _SEQUENCE, _HEAD, head=True),
    Fresh(r"(google-t5/)?t5-(small|base|large|3b|11b)", _SEQUENCE, _HEAD, head=True),
    Fresh(rf"google/(flan-t5|t5-v1_1|mt5|umt5)-{_SIZES}", _SEQUENCE, _HEAD, head=True),
    Fresh(r"(xlnet/)?xlnet-(base|large)-cased", _SEQUENCE, (*_SUMMARY, "logits_proj"), head=True),
    Fresh(r"flaubert/flaubert_(small|base|large)_(un)?cased", _SEQUENCE, _SUMMARY, head=True),
    Fresh(r"((facebookai/)?xlm-(mlm|clm)-[a-z0-9-]+)", _SEQUENCE, _SUMMARY, head=True),
    Fresh(r"answerdotai/modernbert-(base|large)", "ForQuestionAnswering", ("classifier",), True),
)


def fresh_modules(model: str, loaded: str) -> Fresh | None:
    """What starts at random where a checkpoint is loaded as a class; ``None`` if nothing known."""
    import re  # few scripts load a classifier

    rows = (row for row in ROWS if loaded.endswith(row.loaded))
    return next((row for row in rows if re.fullmatch(row.checkpoints, model.lower())), None)


def not_saved(fresh: Fresh, saved: Sequence[str]) -> list[str]:
    """The layers that no name of ``modules_to_save`` covers, by the end of their path."""
    return [layer for layer in fresh.layers if not any(_covers(name, layer) for name in saved)]


def _covers(name: str, layer: str) -> bool:
    parts = layer.split(".")
    return any(".".join(parts[: end + 1]).endswith(name) for end in range(len(parts)))
