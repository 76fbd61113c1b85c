"""Which commands of a repository start which of its programs."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_lint.read.modules import Modules
from lora_lint.read.shell.starts import Start, starts
from lora_lint.sources.source import KINDS
from lora_rules.engine.budgets import CONFIGURATION_BYTES


class Starts:
    """The commands of a repository; a script is read once one of its programs is asked for."""

    def __init__(self, modules: Modules) -> None:
        """Look at no command yet.

        Args:
            modules: of the repository.
        """
        self._modules = modules
        self._unread: dict[str, str] | None = None
        """The texts of the scripts that no program was looked for in."""
        self._found: dict[str, list[Start]] = {}

    def of(self, program: str) -> list[Start]:
        """The commands that start a program, by file and line."""
        if self._unread is None:
            self._unread = dict(self._scripts())
        folder, name = os.path.split(program)
        stem = os.path.basename(folder) if name == "__main__.py" else name.removesuffix(".py")
        for path in [path for path, text in self._unread.items() if stem in text]:
            self._read(path, self._unread.pop(path))
        return sorted(self._found.get(program, ()), key=lambda start: start.span.path)

    def _scripts(self) -> Iterator[tuple[str, str]]:
        for path in self._modules.files:
            if KINDS.get(os.path.splitext(path)[1].lower()) == "shell":
                text = _text(path)
                if ".py" in text or " -m " in text:
                    yield path, text

    def _read(self, path: str, text: str) -> None:
        for start in starts(text, path):
            program = _program(start, path, self._modules)
            if program is not None:
                self._found.setdefault(program, []).append(start)


def programs_of(script: str, modules: Modules) -> list[str]:
    """The programs of the repository that a shell script starts."""
    found = (_program(start, script, modules) for start in starts(_text(script), script))
    return [program for program in dict.fromkeys(found) if program is not None]


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
