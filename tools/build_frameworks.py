"""Write ``rules/lora_rules/frameworks/tables.json``: every framework's ``keys.yaml`` in one file.

    python tools/build_frameworks.py

To be run whenever a table changes; ``tests/rules/frameworks/test_dialects.py`` says when.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from lora_lint.translate.schema.check import TableError, check

FOLDER = Path(__file__).parent.parent / "rules" / "lora_rules" / "frameworks"
TABLES = FOLDER / "tables.json"
OTHERS = FOLDER / "not_recipes.yaml"


def tables() -> str:
    """The text of the file: a line a table.

    Raises:
        TableError: with the file, line and key of everything that is wrong in a table.
    """
    files = sorted(FOLDER.glob("*/keys.yaml"))
    check(
        {_called(path): path.read_text() for path in files}, {_called(OTHERS): OTHERS.read_text()}
    )
    tables = {path.parent.name.replace("_", "-"): path for path in files}
    tables["not-recipes"] = OTHERS
    lines = [f"{json.dumps(name)}: {_line(path)}" for name, path in sorted(tables.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _called(path: Path) -> str:
    return str(path.relative_to(FOLDER.parent))


def _line(path: Path) -> str:
    documents = list(yaml.safe_load_all(path.read_bytes()))
    text = json.dumps(documents)
    if json.loads(text) != documents:
        raise ValueError(f"{path}: holds what JSON cannot say")
    return text


if __name__ == "__main__":
    try:
        TABLES.write_text(tables())
    except TableError as error:
        sys.exit(str(error))
