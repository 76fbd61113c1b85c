"""Write ``lint/lora_lint/dialects/tables.json``: all tables of ``dialects/*.yaml`` in one file.

    python tools/build_dialects.py

To be run whenever a table changes; ``tests/test_dialects.py`` says when.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent / "lint" / "lora_lint" / "dialects"
TABLES = FOLDER / "tables.json"


def tables() -> str:
    """The text of the file: a line a table."""
    lines = [f"{json.dumps(path.stem)}: {_line(path)}" for path in sorted(FOLDER.glob("*.yaml"))]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _line(path: Path) -> str:
    documents = list(yaml.safe_load_all(path.read_bytes()))
    text = json.dumps(documents)
    if json.loads(text) != documents:
        raise ValueError(f"{path}: holds what JSON cannot say")
    return text


if __name__ == "__main__":
    TABLES.write_text(tables())
