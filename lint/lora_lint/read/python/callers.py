"""Which modules of a repository lead into a function: those that name it, or what names it.

Names are followed, not calls: a module takes part if it imports the function, a class or function
around it, one that mentions these, or their module as a whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set

from lora_lint.read.modules import Modules
from lora_lint.read.python.walking import nodes


class Definitions:
    """The names that each top-level function and class of a module mentions."""

    def __init__(self, tree: ast.Module) -> None:
        """Look at a module.

        Args:
            tree: the module.
        """
        self.imports: list[ast.Import | ast.ImportFrom] = []
        self._mentioned: dict[str, set[str]] = {}
        self._outside: set[str] = set()
        """The names that stand outside of all definitions."""
        for stmt in tree.body:
            names = self._look_into(stmt)
            if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._mentioned[stmt.name] = names
            else:
                self._outside |= names

    def _look_into(self, stmt: ast.stmt) -> set[str]:
        """The names that a statement mentions; the imports in it are kept."""
        names: set[str] = set()
        for node in nodes(stmt):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imports.append(node)
        return names

    def mentioning(self, words: Set[str]) -> set[str]:
        """The definitions that mention one of these words, or another that does."""
        found = {name for name, said in self._mentioned.items() if not said.isdisjoint(words)}
        return self.leading_to(found)

    def leading_to(self, names: set[str]) -> set[str]:
        """These names, and every definition that mentions one that leads to them."""
        found = set(names)
        grows = True
        while grows:
            more = {
                name
                for name, mentioned in self._mentioned.items()
                if name not in found and not mentioned.isdisjoint(found)
            }
            found |= more
            grows = bool(more)
        return found

    def importing(self, definitions: Set[str], importer: str, modules: Modules) -> set[str]:
        """The files from which some definitions, or what stands outside of all, take names.

        Args:
            definitions: of this module.
            importer: the module's own path.
            modules: of the repository.
        """
        used = self._outside.union(*(self._mentioned.get(name, ()) for name in definitions))
        return {
            path
            for stmt in self.imports
            for path in _files(stmt, importer, used, modules)
            if path is not None
        }

    def taking(self, importer: str, target: str, wanted: set[str], modules: Modules) -> set[str]:
        """What the module calls the wanted names of another file, or that file as a whole.

        Args:
            importer: the module's own path.
            target: the other file.
            wanted: names that it defines.
            modules: of the repository.
        """
        return {
            name
            for stmt in self.imports
            for name in _taken(stmt, importer, target, wanted, modules)
        }


def _files(
    stmt: ast.Import | ast.ImportFrom, importer: str, used: Set[str], modules: Modules
) -> Iterator[str | None]:
    """The files that an import may mean, for each of its names that is used."""
    for alias in stmt.names:
        if alias.name != "*" and (alias.asname or alias.name.partition(".")[0]) not in used:
            continue
        if isinstance(stmt, ast.Import):
            yield modules.find(importer, 0, alias.name)
        else:
            base = stmt.module or ""
            yield modules.find(importer, stmt.level, base)
            yield modules.find(importer, stmt.level, f"{base}.{alias.name}".lstrip("."))


def _taken(
    stmt: ast.Import | ast.ImportFrom,
    importer: str,
    target: str,
    wanted: set[str],
    modules: Modules,
) -> Iterator[str]:
    if isinstance(stmt, ast.Import):
        for alias in stmt.names:
            if modules.find(importer, 0, alias.name) == target:
                yield alias.asname or alias.name.partition(".")[0]
        return
    base = stmt.module or ""
    from_target = modules.find(importer, stmt.level, base) == target
    for alias in stmt.names:
        if alias.name == "*":
            yield from wanted if from_target else ()
        elif (from_target and alias.name in wanted) or modules.find(
            importer, stmt.level, f"{base}.{alias.name}".lstrip(".")
        ) == target:
            yield alias.asname or alias.name
