"""How ids of an owner begin: the lookups in ``model_ids.json`` that go by the owner.

``tools/build_model_ids.py`` writes that file. Of several beginnings that fit, the longest counts;
one that ends in ``$`` is a whole name. An owner's key begins with that of its section, because
some are in several (``dtypes qwen``, ``owners qwen``).
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import Any

FILE = "facts/model/model_ids.json"


def of_owner(name: str, section: str) -> tuple[Mapping[str, Any], str]:
    """What a section says of the owner of an id, and the rest of the id."""
    owner, slash, rest = name.partition("/")
    if slash and "/" in rest:
        return {}, rest
    return packaged.entry(FILE, f"{section} {owner}" if slash else "") or {}, rest


def longest(own: Mapping[str, Any], rest: str) -> Mapping[str, Any] | None:
    """The entry of the longest beginning that fits."""
    fitting = [one for one in own if rest.startswith(one) or one == f"{rest}$"]
    found: Mapping[str, Any] | None = own[max(fitting, key=len)] if fitting else None
    return found


def source_of(found: Mapping[str, Any]) -> str:
    """The source of an entry, as a reader would say it."""
    short = str(found.get("from", ""))
    return str((packaged.entry(FILE, "sources") or {}).get(short, short))
