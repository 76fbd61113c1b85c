"""What a Python file says is to be installed for it: a notebook's commands, a script's block.

A notebook that was exported as a script keeps its commands as comments (``# MAGIC %pip install``,
``# !pip install``) or as calls (``get_ipython().run_cell_magic``); a script may name what it needs
in a ``# /// script`` block.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.engine.version_range import VersionRange

_LINE = lazily(r"^\s*(?:#\s*(?:MAGIC\s+)?)?[%!]\s*((?:uv\s+)?pip3?\s+install\s.*)$")
_IN_A_CALL = lazily(r"(?:uv\s+)?pip3?\s+install\s(?:[^\\\n]|\\['\"])*")
_DEPENDENCY = lazily(r"""^#\s+["']([^"']+)["'],?\s*$""")
_START, _END = "# /// script", "# ///"


def pins(lines: tuple[str, ...]) -> dict[str, VersionRange]:
    """The versions that a file asks for; most files ask for none."""
    commands = list(_commands(lines))
    if not commands:
        return {}
    from lora_lint.sources.pins.commands import own_versions  # few scripts name versions

    asked: dict[str, VersionRange] = {}
    for command in commands:  # each by itself: a quote that is cut off must not hide the next
        asked.update(own_versions(command, "the file", lines=False))
    return asked


def _commands(lines: tuple[str, ...]) -> Iterator[str]:
    inside = False
    for line in lines:
        if line.startswith(_END):
            inside = line.rstrip() == _START
        elif inside:
            needed = _DEPENDENCY.match(line)
            if needed is not None:
                yield f"pip install '{needed[1]}'"
        elif "install" in line and "pip" in line:
            yield from _of_line(line)


def _of_line(line: str) -> Iterator[str]:
    found = _LINE.match(line)
    if found is not None:
        yield found[1]
    elif "get_ipython()" in line:
        for command in _IN_A_CALL.finditer(line):
            yield command[0].replace("\\'", "'").replace('\\"', '"')
