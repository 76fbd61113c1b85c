"""The configuration file as text and as a tree, and whose format it is in.

Nothing here imports pydantic or torch: this much is needed before the gate has spoken.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from lora_launch.errors import LaunchError
from lora_lint.read import yaml
from lora_lint.read.directives import FORMATS, parse
from lora_lint.read.reading import Unreadable
from lora_lint.read.tree import Mapping
from lora_lint.sources.source import KINDS, NotText, Source
from lora_lint.translate import framework as dialects
from lora_rules.frameworks import behaviour_of

NATIVE = "lora-launch"
SECTIONS = ("model", "quantization", "lora", "data", "training", "hardware", "run")
"""The sections of the native format."""


class Document(NamedTuple):
    """A configuration as it will be run: the file's text with what the command line changes."""

    path: str
    kind: str
    text: str
    changes: tuple[str, ...] = ()
    """What ``--set`` changed, as written on the command line."""

    @property
    def source(self) -> Source:
        """What the linter reads."""
        return Source(self.path, self.kind, self.text.encode("utf-8"))

    @property
    def folder(self) -> str:
        """The file's folder, which its relative paths start from."""
        return os.path.dirname(os.path.abspath(self.path))


def load(path: str) -> Document:
    """Read a configuration file.

    Raises:
        LaunchError: if there is none, or it is of no kind that holds configurations.
    """
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise LaunchError(f"{path}: a configuration is a YAML, JSON, Python or shell file.")
    try:
        with open(path, "rb") as file:
            source = Source(path, kind, file.read())
        return Document(path, kind, source.text)
    except IsADirectoryError:
        raise LaunchError(f"{path} is a folder; name the configuration in it.") from None
    except FileNotFoundError:
        raise LaunchError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise LaunchError(f"{path} cannot be read: {error.strerror}.") from None
    except NotText as error:
        raise LaunchError(f"{path} {error}.") from None


def tree(document: Document) -> Mapping:
    """The document's content with the place of everything.

    Raises:
        LaunchError: if it is not one YAML mapping.
    """
    try:
        found = yaml.documents(document.text)
    except Unreadable as error:
        line = f":{error.span.line}" if error.span is not None else ""
        raise LaunchError(f"{document.path}{line}: {error}.") from None
    if len(found) != 1 or not isinstance(found[0], Mapping):
        what = "is empty" if not found else "is not one mapping of sections"
        raise LaunchError(
            f"{document.path} {what}; `lora-launch init` writes a configuration to start from."
        )
    return found[0]


def framework(document: Document) -> str:
    """The dialect of the file: ``lora-launch``, ``axolotl``, ``python`` and so on.

    A YAML file whose top-level keys are all ours is ours, also when too little is in it for the
    linter to say so: then the model of :mod:`lora_launch.config.config` says what is missing.
    """
    if document.kind != "yaml":
        return _other(document)
    declared = _declared(document)
    if declared:
        return declared
    root = tree(document)
    keys = {entry.key for entry in root.entries}
    if keys and keys <= set(SECTIONS):
        return NATIVE
    found = dialects.detect(root, document.path)
    if found is not None and behaviour_of(found.name).one_spelling and not found.table.result:
        return found.name
    if "lora" in keys or len(keys & set(SECTIONS)) > 1:
        return NATIVE
    raise LaunchError(
        f"{document.path}: neither our format (sections {', '.join(SECTIONS)}) nor that of a"
        " framework that is known here."
    )


def _declared(document: Document) -> str:
    """The framework that a comment of the file names, if it is one."""
    for each in parse(document.text, document.kind):
        if each.kind == "declare" and each.key in FORMATS and each.value in dialects.names():
            return each.value
    return ""


def _other(document: Document) -> str:
    if document.kind != "json":
        return document.kind
    from lora_lint.engine.check import recipes_of
    from lora_lint.engine.config import Config

    try:
        recipes = recipes_of(document.source, Config(), {})
    except Unreadable as error:
        raise LaunchError(f"{document.path}: {error}.") from None
    return recipes[0].dialect if recipes else "json"
