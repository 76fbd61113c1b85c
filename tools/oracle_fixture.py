"""Writes ``tests/data/peft_models.json``: the ``config.json`` of each small model of the oracle.

PYTHONPATH=rules:tools python tools/oracle_fixture.py
"""

from __future__ import annotations

import json
from pathlib import Path

from oracle_models import MODELS, config_file

TARGET = Path(__file__).parent.parent / "tests/data/peft_models.json"


def main() -> None:
    """One line a model."""
    lines = [f"{json.dumps(name)}: {json.dumps(config_file(name))}" for name in MODELS]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(lines)} models")


if __name__ == "__main__":
    main()
