"""The Python modules of one repository: which file an import means, and who imports a file.

Nothing outside the repository is opened, nothing that git ignores, and no symbolic link is followed
out of it. Names of libraries are never taken for files of the repository: ``datasets`` is the
library, also beside a folder of that name.
"""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterable, Iterator

from lora_lint.sources.files import Files
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.budgets import IMPORTERS, MODULE_BYTES

_LIBRARIES = frozenset(
    [
        "accelerate",
        "bitsandbytes",
        "datasets",
        "deepspeed",
        "diffusers",
        "huggingface_hub",
        "hydra",
        "numpy",
        "omegaconf",
        "peft",
        "safetensors",
        "tokenizers",
        "torch",
        "torchvision",
        "transformers",
        "trl",
        "unsloth",
        "vllm",
        "wandb",
        "yaml",
    ]
)
_IMPORT = lazily(
    rb"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)"
    rb"|import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*))",
    8,  # re.MULTILINE
)
_WORDS = (
    b"LoraConfig",
    b"get_peft_model",
    b"from_pretrained",
    b"Trainer",
    b"TrainingArguments",
    b"SFTConfig",
    b"BitsAndBytesConfig",
    b"optim.",
)
_SCRIPT = (b'__name__ == "__main__"', b"__name__ == '__main__'")


class Modules:
    """The Python files of a repository."""

    def __init__(self, root: str) -> None:
        """Look nothing up yet.

        Args:
            root: the repository's folder, absolute. All paths here are absolute too.
        """
        self.root = root
        self._files: list[str] | None = None
        self._paths: frozenset[str] | None = None
        self._folders: set[str] | None = None
        self._importers: dict[str, list[str]] | None = None
        self._imports: dict[str, list[str]] = {}
        self._trees: dict[str, ast.Module | None] = {}
        self._hashes: dict[str, int] = {}
        """Of the content that was parsed."""
        self._making: dict[str, bool] = {}
        self._found: dict[tuple[str, int, str], str | None] = {}
        self._stems: set[str] | None = None
        self.too_many = False
        """Whether the repository has too many files to look for importers."""

    @property
    def files(self) -> list[str]:
        """Every file that git tracks or would track, and whose name may be of a kind of ours."""
        if self._files is None:
            from lora_lint.sources.discover import below  # few files need them all

            self._files = sorted(below(self.root))
        return self._files

    @property
    def paths(self) -> frozenset[str]:
        """The Python files among them."""
        if self._paths is None:
            self._paths = frozenset(path for path in self.files if path.endswith(".py"))
        return self._paths

    def find(self, importer: str, level: int, name: str) -> str | None:
        """The file that a module's name means in a file of the repository.

        Args:
            importer: the file that imports.
            level: the dots before the name.
            name: the dotted name; may be empty after dots.

        Returns:
            ``None`` if it is none of the repository, or could be one of several.
        """
        key = (importer, level, name)
        if key not in self._found:
            self._found[key] = self._find(importer, level, name)
        return self._found[key]

    def _find(self, importer: str, level: int, name: str) -> str | None:
        if level:
            folder = os.path.dirname(importer)
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self._in(folder, name)
        if not name or is_library(name):
            return None
        found = dict.fromkeys(
            path for folder in self._search_path(importer) if (path := self._in(folder, name))
        )
        if len(found) > 1 and self._is_script(importer):
            return next(iter(found))  # its own folder comes first
        return next(iter(found)) if len(found) == 1 else None

    def has_folder(self, importer: str, level: int, name: str) -> bool:
        """Whether a package without ``__init__.py`` may be meant: a folder that holds modules."""
        if level or not name or is_library(name):
            return False
        if self._folders is None:
            self._folders = {
                folder for path in self.paths for folder in _above(os.path.dirname(path), self.root)
            }
        parts = os.path.join(*name.split("."))
        return any(os.path.join(f, parts) in self._folders for f in self._search_path(importer))

    def imports(self, path: str) -> list[str]:
        """The files of the repository that a file imports, wherever the import stands."""
        if path not in self._imports:
            self._imports[path] = self._find_imports(path)
        return self._imports[path]

    def makes_models(self, path: str) -> bool:
        """Whether a file says one of the words without which it makes no model and no trainer."""
        if path not in self._making:
            data = self._data(path)
            self._making[path] = any(word in data for word in _WORDS)
        return self._making[path]

    def hands_on_models(self, path: str) -> bool:
        """Whether a file makes models, or is a package's and takes names from one that does."""
        pending = [path]
        for each in pending:  # which grows
            if self.makes_models(each):
                return True
            taken = self.imports(each) if each.endswith("__init__.py") else ()
            pending += [imported for imported in taken if imported not in pending]
        return False

    def mentions(self, path: str, names: Iterable[str]) -> bool:
        """Whether a file says one of some names, or hands on all that it imports."""
        if path.endswith("__init__.py"):
            return True
        data = self._data(path)
        return b"import *" in data or any(name.encode() in data for name in names)

    def importers(self, path: str) -> list[str]:
        """The files of the repository that import a file, in order of their paths."""
        if self._importers is None:
            self._importers = self._find_importers()
        return self._importers.get(path, [])

    def tree(self, path: str) -> ast.Module | None:
        """A module's syntax tree; ``None`` if it is no Python."""
        if path not in self._trees:
            data = self._data(path)
            self._trees[path] = _parsed(data)
            self._hashes[path] = hash(data)
        return self._trees[path]

    def know(self, path: str, data: bytes, tree: ast.Module) -> None:
        """Keep the syntax tree of a file that was parsed."""
        self._trees[path] = tree
        self._hashes[path] = hash(data)

    def known(self, path: str, data: bytes) -> ast.Module | None:
        """The syntax tree of a file with this content, if it was parsed before."""
        return self._trees.get(path) if self._hashes.get(path) == hash(data) else None

    def text(self, path: str, files: Files) -> str | None:
        """A module's text; ``None`` if it is too large, unreadable, or a link out of here."""
        inside = os.path.realpath(self.root) + os.sep
        if not os.path.realpath(path).startswith(inside):
            return None
        try:
            return files.text(path, MODULE_BYTES)
        except (OSError, ValueError):
            return None

    def _in(self, folder: str, name: str) -> str | None:
        path = os.path.join(folder, *name.split(".")) if name else folder
        for candidate in (f"{path}.py", os.path.join(path, "__init__.py")):
            if candidate in self.paths:
                return candidate
        return None

    def _search_path(self, importer: str) -> Iterator[str]:
        """Where an absolute import looks.

        That is the folder of the file (of a package, the one that holds it), those above it, and
        ``src`` in the first and the last of them.
        """
        folder = os.path.dirname(importer)
        first = folder
        while os.path.join(first, "__init__.py") in self.paths:
            first = os.path.dirname(first)
        yield first
        yield folder
        while len(folder) > len(self.root):
            folder = os.path.dirname(folder)
            yield folder
        for above in dict.fromkeys((first, folder)):
            yield os.path.join(above, "src")

    def _is_script(self, path: str) -> bool:
        data = self._data(path)
        return any(mark in data for mark in _SCRIPT)

    def _find_importers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        if len(self.paths) > IMPORTERS:
            self.too_many = True
            return found
        for path in sorted(self.paths):
            for imported in self.imports(path):
                if imported != path:
                    found.setdefault(imported, []).append(path)
        return found

    def _find_imports(self, path: str) -> list[str]:
        if self._stems is None:
            self._stems = {_stem(each) for each in self.paths}
        found: dict[str, None] = {}
        for match in _IMPORT.finditer(self._data(path)):
            for level, name in _names(match[1], match[2], match[3]):
                if name.rpartition(".")[2] in self._stems and (to := self.find(path, level, name)):
                    found[to] = None
        return list(found)

    def _data(self, path: str) -> bytes:
        try:
            with open(path, "rb") as file:
                return file.read(MODULE_BYTES)
        except OSError:
            return b""


def is_library(name: str) -> bool:
    """Whether a dotted name begins with that of a library, or of a module of Python itself."""
    first = name.partition(".")[0]
    return first in _LIBRARIES or first in sys.stdlib_module_names


def _parsed(data: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of somebody else's invalid escapes
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _above(folder: str, root: str) -> Iterator[str]:
    """A folder and those above it, up to the root."""
    while len(folder) > len(root):
        yield folder
        folder = os.path.dirname(folder)


def _stem(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.basename(folder) if name == "__init__.py" else name[:-3]


def _names(
    base: bytes | None, taken: bytes | None, plain: bytes | None
) -> Iterator[tuple[int, str]]:
    """The modules that an import may mean: what it names, and what it takes from it."""
    if plain is not None:
        for part in plain.decode("utf-8", "replace").split(","):
            yield 0, part.split()[0]
        return
    name = (base or b"").decode("utf-8", "replace")
    level = len(name) - len(name.lstrip("."))
    name = name.lstrip(".")
    if name:
        yield level, name
    for part in (taken or b"").decode("utf-8", "replace").strip("() \t").split(","):
        words = part.split()
        if words and words[0].isidentifier():
            yield level, f"{name}.{words[0]}" if name else words[0]
