"""The repositories that one run of the linter meets: what is looked up once for all their files."""

from __future__ import annotations

import os

from lora_lint.engine.config import repository_of
from lora_lint.read.modules import Modules
from lora_lint.read.python.callers import Definitions
from lora_lint.sources.files import Files
from lora_lint.sources.programs import named
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from lora_lint.read.shell.starts import Start
    from lora_lint.read.starting import Starts


class Repository:
    """One repository: its modules, what they define, and the commands that start them."""

    def __init__(self, modules: Modules) -> None:
        """Look nothing up yet.

        Args:
            modules: its Python files.
        """
        self.modules = modules
        self._definitions: dict[str, Definitions | None] = {}
        self._starts: Starts | None = None

    def definitions(self, path: str) -> Definitions | None:
        """What a module's top level defines and mentions; ``None`` if it is no Python."""
        if path not in self._definitions:
            tree = self.modules.tree(path)
            self._definitions[path] = None if tree is None else Definitions(tree)
        return self._definitions[path]

    def starts(self, path: str) -> list[Start]:
        """The commands that start a program, by file and line."""
        if self._starts is None:
            from lora_lint.read.starting import Starts  # few programs need them

            self._starts = Starts(self.modules)
        return self._starts.of(path)


class Repositories:
    """The modules of each repository that one run of the linter meets, looked up once."""

    def __init__(self) -> None:
        """None is known yet."""
        self._known: dict[str, Repository] = {}

    def around(self, path: str, files: Files) -> Around | None:
        """What a file may import, and be imported by; ``None`` where it is in no repository.

        Args:
            path: of the file, as the user wrote it.
            files: remembers what is looked at.
        """
        root = repository_of(path)
        if root is None:
            return None
        if root not in self._known:
            self._known[root] = Repository(Modules(root))
        return Around(self._known[root], path, files)


class Around:
    """The modules around one file."""

    def __init__(self, repository: Repository, path: str, files: Files) -> None:
        """Look nothing up yet.

        Args:
            repository: that it stands in.
            path: of the file, as the user wrote it.
            files: remembers what is looked at.
        """
        self._repository = repository
        self.path = os.path.abspath(path)
        self._files = files
        self._as_written = os.path.isabs(path)
        self.read: dict[str, str] = {}
        """The texts of other modules that were read, by path as the user would write it."""

    @property
    def repository(self) -> Repository:
        """That it stands in; from here on the answer depends on its programs."""
        self._files.note(named(self._repository.modules.root))
        return self._repository

    @property
    def modules(self) -> Modules:
        """Of the repository."""
        return self.repository.modules

    def known(self, data: bytes) -> ast.Module | None:
        """The syntax tree of the file itself, if it was parsed before as it is now."""
        return self._repository.modules.known(self.path, data)

    def know(self, data: bytes, tree: ast.Module) -> None:
        """Keep the syntax tree of the file itself for those that it takes part in."""
        self._repository.modules.know(self.path, data, tree)

    def shown(self, path: str) -> str:
        """A path as the user would write it."""
        return path if self._as_written else os.path.relpath(path)

    def note(self, path: str) -> None:
        """Remember that the answer depends on a file."""
        self._files.note(path)

    def text(self, path: str) -> str | None:
        """The text of a module, if it can be read."""
        text = self._repository.modules.text(path, self._files)
        if text is not None:
            self.read[self.shown(path)] = text
        return text
