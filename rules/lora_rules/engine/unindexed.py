"""Rules that somebody wrote and that the generated index does not have: they never run.

A rule's file is named after it, so that its name is enough, and nothing is imported.
"""

from __future__ import annotations

import os
import re

from lora_rules.engine.rule_index import RULES

COMMAND = "make generate"
_CHECKS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "checks")
_FILE = r"(ll[0-9a-z]\d\d)_(\w+)\.py"


def missing_from_index(wanted: str = "", folder: str = _CHECKS) -> tuple[str, ...]:
    """A sentence for every rule of ours that is not in the index.

    Args:
        wanted: a code or name; only the rule that is called so, if it is given.
        folder: where the rules are.
    """
    return tuple(
        f"{code} {name} in {path} is not in the index: run {COMMAND}"
        for code, name, path in _files(folder)
        if code not in _INDEXED
        and wanted.strip().lower().replace("_", "-") in ("", code.lower(), name)
    )


_INDEXED = frozenset(row[0] for row in RULES)


def _files(folder: str) -> list[tuple[str, str, str]]:
    """The code, the name and the file of every rule, in the order of the codes."""
    above = os.path.basename(folder)
    found = []
    for family in sorted(os.listdir(folder)):
        inside = os.path.join(folder, family)
        for file in os.listdir(inside) if os.path.isdir(inside) else ():
            if match := re.fullmatch(_FILE, file):
                name = match[2].replace("_", "-")
                found.append((match[1].upper(), name, f"{above}/{family}/{file}"))
    return sorted(found)
