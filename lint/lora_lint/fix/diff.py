"""What a fix changes, as a unified diff that ``patch`` takes; of a notebook, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import unified_diff

from lora_lint.engine.result import place
from lora_lint.fix.document import Document, Page
from lora_lint.fix.notebook import Notebook
from lora_lint.report import terminal
from lora_lint.sources.source import Source
from lora_rules.engine._startup.typed import TextIO

_STYLES = {"+": "good", "-": "error", "@": "also"}


def write(before: Source, after: Source, stream: TextIO) -> None:
    """Write the diff, styled on a terminal."""
    lines = list(_diff(before, after))
    if terminal.on_terminal(stream):
        terminal.write(((f"{line.rstrip()}\n", _style(line)) for line in lines), stream)
    else:
        terminal.write_plain("".join(map(_visible, lines)), stream)


def _diff(before: Source, after: Source) -> Iterator[str]:
    for (cell, old), (_, new) in zip(_pages(before), _pages(after), strict=True):
        if old.text == new.text:
            continue
        name = place(before.path, cell, None)
        for line in unified_diff(old.lines(), new.lines(), name, name):
            yield line
            if not line.endswith(("\n", "\r")):
                yield "\n\\ No newline at end of file\n"


def _pages(source: Source) -> tuple[tuple[int | None, Page], ...]:
    document = Notebook(source) if source.kind == "notebook" else Document(source)
    return document.numbered()


def _style(line: str) -> str:
    return "strong" if line.startswith(("---", "+++")) else _STYLES.get(line[:1], "")


def _visible(line: str) -> str:
    """The line with nothing in it that acts on a terminal; tabs and line endings stay."""
    body = line.rstrip("\r\n")
    return "\t".join(map(terminal.safe, body.split("\t"))) + line[len(body) :]
