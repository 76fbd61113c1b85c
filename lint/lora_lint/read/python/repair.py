"""Source that ``ast`` refuses: Databricks magics, and syntax newer than the running interpreter."""

from __future__ import annotations

import ast
import re

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import libcst

_MAGIC = lazily(r"^\s*[%!?]")
_SHELL_HELP = lazily(r"^[\w.]+\?{1,2}\s*$")
_CAPTURE = lazily(r"^(\s*)([A-Za-z_][\w.\[\], ]*)\s*=\s*[%!](?!=).*$")
_STRING_DELIMITERS = ('"""', "'''")


def blank_magics(text: str) -> str:
    """The text with ``%``, ``!`` and ``?`` lines replaced by nothing; line numbers stay.

    ``x = !ls`` still binds its name, to something unknown.
    """
    lines = text.split("\n")
    inside = ""
    continued = False
    for number, line in enumerate(lines):
        if continued or (not inside and (_MAGIC.match(line) or _SHELL_HELP.match(line))):
            indent = line[: len(line) - len(line.lstrip())]
            lines[number] = "" if continued else f"{indent}pass"
            continued = line.rstrip().endswith("\\")
            continue
        captured = None if inside else _CAPTURE.match(line)
        if captured is not None:
            lines[number] = f"{captured[1]}{captured[2].rstrip()} = get_ipython()"
            continue
        inside = _string_after(line, inside)
    return "\n".join(lines)


def _string_after(line: str, inside: str) -> str:
    """The delimiter of the triple-quoted string that is open after a line, roughly."""
    rest = line
    while True:
        if inside:
            _, found, rest = rest.partition(inside)
            if not found:
                return inside
            inside = ""
            continue
        starts = [(rest.find(mark), mark) for mark in _STRING_DELIMITERS if mark in rest]
        comment = rest.find("#")
        if not starts or (0 <= comment < min(starts)[0]):
            return ""
        position, inside = min(starts)
        rest = rest[position + 3 :]


def parse(text: str) -> ast.Module:
    """The module, read with every means.

    Raises:
        SyntaxError: if none of them reads it.
    """
    try:
        return ast.parse(text)
    except SyntaxError:
        module = _repaired(text)
        if module is None:
            raise
        return module


def _repaired(text: str) -> ast.Module | None:
    blanked = blank_magics(text)
    module = _parsed(blanked) if blanked != text else None
    if module is not None:
        return module
    older = _without_newer_syntax(blanked)
    return None if older is None else _parsed(older)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def _without_newer_syntax(text: str) -> str | None:
    """The text with f-strings that only a newer Python reads replaced by something unknown.

    ``None`` if libcst does not read it either.
    """
    if not re.search(r"""\b[rR]?[fF][rR]?["']""", text):
        return None
    import libcst  # imported only here: it takes longer than everything else together
    from libcst.metadata import MetadataWrapper, PositionProvider

    try:
        module = libcst.parse_module(text)
    except (libcst.ParserSyntaxError, RecursionError):
        return None
    wrapper = MetadataWrapper(module, unsafe_skip_copy=True)
    places = wrapper.resolve(PositionProvider)
    spans = [
        places[node]
        for node in _formatted_strings(wrapper.module)
        if not _reads(wrapper.module.code_for_node(node))
    ]
    lines = text.split("\n")
    for place in sorted(spans, key=lambda span: (span.start.line, span.start.column), reverse=True):
        start, end = place.start, place.end
        tail = lines[end.line - 1][end.column :]
        # The line breaks inside the parentheses keep the number of lines.
        held = "(" + "\n" * (end.line - start.line) + "_newer_syntax)"
        head = lines[start.line - 1][: start.column]
        lines[start.line - 1 : end.line] = (head + held + tail).split("\n")
    return "\n".join(lines)


def _formatted_strings(module: libcst.Module) -> list[libcst.CSTNode]:
    import libcst

    found: list[libcst.CSTNode] = []

    class Collector(libcst.CSTVisitor):
        def visit_ConcatenatedString(self, node: libcst.ConcatenatedString) -> bool:  # noqa: N802
            found.append(node)
            return False

        def visit_FormattedString(self, node: libcst.FormattedString) -> bool:  # noqa: N802
            found.append(node)
            return False

    module.visit(Collector())
    return found


def _reads(code: str) -> bool:
    try:
        ast.parse(code.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True
