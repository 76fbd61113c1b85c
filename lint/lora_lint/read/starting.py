"""Which commands of a repository start which of its programs."""

from __future__ import annotations

import os

from lora_lint.read.modules import Modules
from lora_lint.read.shell.starts import Start, starts
from lora_lint.sources.source import KINDS
from lora_rules.engine.budgets import CONFIGURATION_BYTES


def starts_of(modules: Modules) -> dict[str, list[Start]]:
    """The commands that start each program, by the program's file."""
    found: dict[str, list[Start]] = {}
    for path in modules.files:
        if KINDS.get(os.path.splitext(path)[1].lower()) != "shell":
            continue
        text = _text(path)
        for start in starts(text, path) if ".py" in text or " -m " in text else ():
            program = _program(start, path, modules)
            if program is not None:
                found.setdefault(program, []).append(start)
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(CONFIGURATION_BYTES)
    except OSError:
        return ""


def _program(start: Start, path: str, modules: Modules) -> str | None:
    """The file that a command starts: from the script's folder or one above it, if it is one."""
    if start.folder is None or os.path.isabs(start.folder) or os.path.isabs(start.program):
        return None
    name = start.program.replace(".", "/") + ".py" if start.is_module else start.program
    folder = os.path.dirname(path)
    found: dict[str, None] = {}
    while True:
        candidate = os.path.normpath(os.path.join(folder, start.folder, name))
        if candidate in modules.paths:
            found[candidate] = None
        if len(folder) <= len(modules.root):
            break
        folder = os.path.dirname(folder)
    return next(iter(found)) if len(found) == 1 else None
