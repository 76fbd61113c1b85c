"""Writes ``facts/model/chat_families.json``: with which token each model begins a turn.

    ENV/bin/python tools/oracles/llamafactory_chat_families.py > rules/lora_rules/facts/model/...

Runs in an environment with LLaMA-Factory, whose constants name the template of each chat model.
Only the token in front of a user's message is taken over, and which model has which template.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from importlib.metadata import version
from types import ModuleType
from typing import Any

os.environ.setdefault("DISABLE_VERSION_CHECK", "1")

MARKER = re.compile(r"\s*(<[^\s<>]+>|\[[^\s\[\]]+\]|\]~b\])")
"""A token that no text of a person begins with."""


def marker(template: Any) -> str:  # noqa: ANN401  # LLaMA-Factory's Template
    """The token that begins a user's turn; empty where plain words do."""
    parts = []
    for slot in template.format_user.slots:
        if isinstance(slot, str):
            parts.append(slot)
        elif isinstance(slot, dict):
            parts.append(slot.get("token", ""))
    before = "".join(parts).partition("{{content}}")[0]
    found = MARKER.match(before)
    return found[1] if found else ""


def main() -> None:
    """Print the table."""
    with contextlib.redirect_stdout(io.StringIO()):  # its log
        import llamafactory.hparams  # noqa: F401  # transformers looks for torchaudio itself

        sys.modules["torchaudio"] = ModuleType("torchaudio")  # for audio models, and large
        from llamafactory.data.template import TEMPLATES
        from llamafactory.extras.constants import DEFAULT_TEMPLATE, SUPPORTED_MODELS

        del sys.modules["torchaudio"]
    begins = {name: marker(template) for name, template in TEMPLATES.items()}
    models: dict[str, str] = {}
    ambiguous: set[str] = set()
    for name, sources in SUPPORTED_MODELS.items():
        template = DEFAULT_TEMPLATE.get(name)
        for path in sources.values() if template else ():
            last = path.rpartition("/")[2].lower()
            if begins[models.setdefault(last, template)] != begins[template]:
                ambiguous.add(last)
    print("{")
    print(f'"asked of":"llamafactory {version("llamafactory")}",')
    print('"templates":{')
    print(",\n".join(_line(name, {"begins": begins[name]}) for name in sorted(begins)))
    print("},")
    print('"models":{')
    known = sorted(models.keys() - ambiguous)
    print(",\n".join(_line(name, {"template": models[name]}) for name in known))
    print("}")
    print("}")


def _line(name: str, entry: dict[str, str]) -> str:
    return f"{json.dumps(name)}:{json.dumps(entry, ensure_ascii=False, separators=(',', ':'))}"


if __name__ == "__main__":
    main()
