"""Copies of libraries that lie in a repository: what imports them gets no released version.

``peft/__init__.py``, ``peft/src/peft/__init__.py`` and ``peft-main/src/peft/__init__.py`` are
copies; ``src/peft`` alone is the library's own repository, whose programs are written for releases.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_lint.sources.pins.files import Files
from lora_lint.sources.pins.requirement import Requirement, Statement
from lora_rules.engine.version_range import COMMIT, Specifier

_COPIED = ("peft", "transformers", "trl")
_VERSION = b"__version__"


def copies(folder: str, files: Files) -> Iterator[Statement]:
    """The libraries of which a folder holds a copy, each as one at a commit."""
    names = files.names(folder)
    for library in _COPIED:
        for name in names:
            if name.removesuffix("-main").removesuffix("-dev") != library:
                continue
            for inner in ((), ("src", library)):
                place = os.path.join(name, *inner, "__init__.py")
                data = files.read(os.path.join(folder, place))
                if data is not None and _VERSION in data:
                    commit = Specifier(COMMIT, "a copy", place, 0)
                    yield Statement(place, (Requirement(library, (commit,)),))
