"""``setup.cfg`` and ``setup.py``. The latter is read as text and never run."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.requirement import (
    Requirement,
    Statement,
    known,
    line_of,
    mentions,
    parse,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

MAX_BYTES = 2**20
_DEEP = 50


def read_cfg(text: str, source: str) -> Iterator[Statement]:
    """``install_requires`` and each group of ``[options.extras_require]``."""
    from configparser import Error, RawConfigParser

    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except Error:
        return
    python = parser.get("options", "python_requires", fallback="")
    lists = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        lists += [value for _name, value in parser.items("options.extras_require")]
    for number, listed in enumerate(lists):
        lines = (listed or "").splitlines()
        found = known(parse(line, source, line_of(text, line.strip())) for line in lines)
        yield Statement(source, tuple(found), python, optional=number > 0)


def read_py(text: str, source: str) -> Iterator[Statement]:
    """What ``setup()`` is given as ``install_requires`` and in each group of ``extras_require``."""
    import ast
    import warnings

    if len(text) > MAX_BYTES:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    names = _assigned(tree)
    for call in _setups(tree):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        python = _Reader(names).texts(given.get("python_requires"))
        versions = python[0][0] if len(python) == 1 else ""
        for number, texts in enumerate(_lists(given, names)):
            found = known(parse(item, source, line) for item, line in texts)
            yield Statement(source, tuple(found), versions, optional=number > 0)


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """What each name of the module is given; a name that is given two things is not known."""
    import ast

    found: dict[str, ast.expr] = {}
    twice = set()
    for statement in tree.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(statement, ast.Assign):
                twice |= {target.id} & found.keys()
                found[target.id] = statement.value
    return {name: value for name, value in found.items() if name not in twice}


def _setups(tree: ast.Module) -> Iterator[ast.Call]:
    import ast

    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name == "setup":
                yield node


def _lists(
    given: dict[str | None, ast.expr], names: dict[str, ast.expr]
) -> Iterator[list[tuple[str, int]]]:
    import ast

    yield _Reader(names).texts(given.get("install_requires"))
    extras = given.get("extras_require")
    if isinstance(extras, ast.Name):
        extras = names.get(extras.id)
    for value in extras.values if isinstance(extras, ast.Dict) else ():
        yield _Reader(names).texts(value)


class _Reader:
    """Collects the texts of a list, through names, sums and the transformers table of ``deps``."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self._names = names
        self._depth = 0

    def texts(self, node: ast.expr | None) -> list[tuple[str, int]]:
        """The texts, each with its line; what is not known is left out."""
        self._depth += 1
        try:
            return self._texts(node) if self._depth < _DEEP else []
        finally:
            self._depth -= 1

    def _texts(self, node: ast.expr | None) -> list[tuple[str, int]]:
        import ast

        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [(node.value, node.lineno)]
        if isinstance(node, ast.List | ast.Tuple):
            return [each for item in node.elts for each in self.texts(item)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return [*self.texts(node.left), *self.texts(node.right)]
        if isinstance(node, ast.Starred):
            return self.texts(node.value)
        if isinstance(node, ast.Name):
            return self.texts(self._names.get(node.id))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return self._looked_up(node.slice.value)
        return []

    def _looked_up(self, name: object) -> list[tuple[str, int]]:
        """``deps["peft"]``: the one requirement of that name in a list of the module."""
        import ast

        lists = (each for each in self._names.values() if isinstance(each, ast.List | ast.Tuple))
        found = [
            (item.value, item.lineno)
            for each in lists
            for item in each.elts
            if isinstance(item, ast.Constant)
            and isinstance(item.value, str)
            and mentions(item.value)
            and _names(parse(item.value, ""), name)
        ]
        return found if len(found) == 1 else []


def _names(requirement: Requirement | None, name: object) -> bool:
    return requirement is not None and requirement.library == name
