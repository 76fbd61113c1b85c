"""Reads the classes of a Python wheel without importing it: ``ast`` over a zip file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from functools import cache, cached_property
from pathlib import Path


def download(package: str, version: str, folder: Path) -> Path:
    """The wheel of ``package==version``, fetched with pip unless ``folder`` has it already.

    Raises:
        FileNotFoundError: if pip left no wheel of that name.
    """
    if (installed := _installed(package, version)) is not None:
        return installed
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    if not list(folder.glob(pattern)):
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
                *("--no-deps", "--no-binary=:none:", "-d", str(folder), f"{package}=={version}"),
            ],
            check=True,
        )
    for wheel in folder.glob(pattern):
        return wheel
    raise FileNotFoundError(f"pip left no {pattern} in {folder}")


def _installed(package: str, version: str) -> Path | None:
    """Where a package of that version is installed: torch alone, whose wheel is huge."""
    if package != "torch":
        return None
    from importlib.metadata import distribution

    found = distribution(package)
    return Path(str(found.locate_file(""))) if found.version.startswith(version) else None


class Wheel:
    """The Python files of one wheel, parsed on demand."""

    def __init__(self, path: Path, package: str) -> None:
        self.package = package
        self._path = path

    @cached_property
    def _sources(self) -> dict[str, str]:
        if self._path.is_dir():
            files = (self._path / self.package / "optim").glob("*.py")
            return {f"{self.package}/optim/{file.name}": file.read_text() for file in files}
        wanted = re.compile(rf"(?:[^/]+\.data/purelib/)?({re.escape(self.package)}/.*\.py)")
        with zipfile.ZipFile(self._path) as archive:
            return {
                found[1]: archive.read(name).decode("utf-8", "replace")
                for name in archive.namelist()
                if (found := wanted.fullmatch(name)) is not None
            }

    def names(self, folder: str) -> list[str]:
        """The files right in a folder, of any kind."""
        with zipfile.ZipFile(self._path) as archive:
            every = archive.namelist()
        return [name for name in every if name.rpartition("/")[0] == folder.rstrip("/")]

    def every_name(self) -> list[str]:
        """Every file, of any kind."""
        with zipfile.ZipFile(self._path) as archive:
            return archive.namelist()

    def text(self, name: str) -> str:
        """The text of a file of any kind."""
        with zipfile.ZipFile(self._path) as archive:
            return archive.read(name).decode()

    @cache  # noqa: B019 - a wheel lives as long as the tool runs
    def tree(self, file: str) -> ast.Module:
        """The parsed file."""
        return ast.parse(self._sources[file])

    @cache  # noqa: B019
    def files_with(self, name: str) -> tuple[str, ...]:
        """The files that define a class of that name: public ones first, then short paths."""
        found = re.compile(rf"^class {re.escape(name)}\b", re.MULTILINE)
        files = [file for file, text in self._sources.items() if found.search(text)]
        return tuple(sorted(files, key=lambda file: ("experimental" in file, len(file), file)))

    @cache  # noqa: B019
    def find_function(self, name: str) -> tuple[str, ast.FunctionDef] | None:
        """A function at the top of a module: of several the one with the shortest path."""
        begins = re.compile(rf"^def {re.escape(name)}\b", re.MULTILINE)
        files = [file for file, text in self._sources.items() if begins.search(text)]
        for file in sorted(files, key=lambda file: (len(file), file)):
            for node in self.tree(file).body:
                if isinstance(node, ast.FunctionDef) and node.name == name:
                    return file, node
        return None

    def files(self) -> tuple[str, ...]:
        """The Python files of the package."""
        return tuple(self._sources)

    def listed_names(self, folder: str) -> set[str]:
        """What the modules below a folder list in ``__all__``."""
        every = re.compile(r"^__all__ = \[(.*?)\]", re.MULTILINE | re.DOTALL)
        return {
            name
            for file, text in self._sources.items()
            if file.startswith(folder)
            for listed in every.findall(text)
            for name in re.findall(r"[\"'](\w+)[\"']", listed)
        }

    def has(self, file: str) -> bool:
        """Whether the wheel holds that file."""
        return file in self._sources

    def exports(self, name: str) -> bool:
        """Whether the package's own ``__init__`` mentions the name as a word."""
        text = self._sources.get(f"{self.package}/__init__.py", "")
        return re.search(rf"\b{re.escape(name)}\b", text) is not None

    def is_experimental(self, name: str) -> bool:
        """Whether a class of that name is offered as an experiment (``trl.experimental.orpo``)."""
        return any("/experimental/" in file for file in self.files_with(name))

    def find_class(self, name: str, near: str | None = None) -> tuple[str, ast.ClassDef] | None:
        """A class by its name, looked for first in the file ``near`` and what that imports."""
        if near is not None:
            local = self._class_in(near, name)
            if local is not None:
                return near, local
            name = self._original_name(near, name)
        for file in self.files_with(name):
            found = self._class_in(file, name)
            if found is not None and file != near:
                return file, found
        return None

    def _class_in(self, file: str, name: str) -> ast.ClassDef | None:
        for node in ast.walk(self.tree(file)):
            if isinstance(node, ast.ClassDef) and node.name == name:
                return node
        return None

    def _original_name(self, file: str, name: str) -> str:
        for node in ast.walk(self.tree(file)):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return alias.name
        return name
