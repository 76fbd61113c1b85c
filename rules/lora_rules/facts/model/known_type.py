"""The type of a model whose sizes are not known: by its id, or by how its owner's ids begin.

``model_ids.json``, made by ``tools/build_model_ids.py``, lists ids that a framework or a test of a
library says the class of, and beginnings of ids that a list of owner and name makes certain
(``Qwen/Qwen2.5-VL-``). A type gives the names of a model's modules, and never a size.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine import packaged
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.beginnings import FILE, longest, of_owner, source_of
from lora_rules.facts.model.checkpoint_quantization import original

_CLASS = lazily(r"[a-z0-9_]+(?:for[a-z0-9_]+|model)(?![a-z0-9_])")
_BY_CLASS = "by class"
"""Of an owner whose tests' models are called after their classes."""

_VARIOUS = "-"
"""Stands for the type of ids that begin alike and are of various types."""


class KnownType(NamedTuple):
    """What a model's id says of it."""

    model_type: str
    text_type: str
    """The type of the language model inside, for a type that takes several."""
    source: str
    """Where it was read, as a reader would say it."""


def known_type(model_name_or_path: str) -> KnownType:
    """The type of a model of the hub.

    Raises:
        Unknown: if neither its id nor how it begins is in the list.
    """
    name = model_name_or_path.strip().lower()
    for one in dict.fromkeys((name, original(name))):
        found = packaged.entry(FILE, one, "ids") or _by_beginning(one)
        if found is not None and found["type"] == _VARIOUS:
            break
        if found is not None:
            return _read(found)
    raise Unknown(f"the type of {model_name_or_path!r} is not in the table of models")


def _by_beginning(name: str) -> Mapping[str, Any] | None:
    own, rest = of_owner(name, "owners")
    return longest(own, rest) or (_by_class(rest) if _BY_CLASS in own else None)


def _by_class(name: str) -> Mapping[str, Any] | None:
    for match in _CLASS.finditer(name.replace("-", " ")):
        found = packaged.entry(FILE, match[0], "classes")
        if found is not None:
            return found
    return None


def _read(found: Mapping[str, Any]) -> KnownType:
    return KnownType(str(found["type"]), str(found.get("text", "")), source_of(found))
