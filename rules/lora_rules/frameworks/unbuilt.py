"""Frameworks whose folder is there and that the generated tables do not have: none is recognised.

Asked where no recipe was found, so it parses nothing and imports nothing.
"""

from __future__ import annotations

import os

_FOLDER = os.path.dirname(__file__)


def missing_from_tables(folder: str = _FOLDER) -> tuple[str, ...]:
    """A sentence for every framework of ours that is not in ``tables.json``.

    Args:
        folder: where the frameworks are.
    """
    with open(os.path.join(folder, "tables.json"), encoding="utf-8") as lines:
        built = {line[1:].partition('"')[0] for line in lines}  # a line a table, its name first
    return tuple(
        f"frameworks/{name}/keys.yaml is not in tables.json: run make generate"
        for name in sorted(os.listdir(folder))
        if name.replace("_", "-") not in built
        and os.path.isfile(os.path.join(folder, name, "keys.yaml"))
    )
