"""Write ``rules/lora_rules/frameworks/tables.json``: every framework's ``keys.yaml`` in one file.

    python tools/build_frameworks.py

To be run whenever a table changes; ``tests/rules/frameworks/test_dialects.py`` says when.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent / "rules" / "lora_rules" / "frameworks"
TABLES = FOLDER / "tables.json"


def tables() -> str:
    """The text of the file: a line a table."""
    tables = {path.parent.name.replace("_", "-"): path for path in FOLDER.glob("*/keys.yaml")}
    tables["not-recipes"] = FOLDER / "not_recipes.yaml"
    lines = [f"{json.dumps(name)}: {_line(path)}" for name, path in sorted(tables.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(path: Path) -> str:
    documents = list(yaml.safe_load_all(path.read_bytes()))
    text = json.dumps(documents)
    if json.loads(text) != documents:
        raise ValueError(f"{path}: holds what JSON cannot say")
    return text


if __name__ == "__main__":
    TABLES.write_text(tables())
