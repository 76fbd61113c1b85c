"""What facts may ask of the files around a recipe.

Rules and facts open no file but their own tables: whoever reads the recipe offers them the others,
and knows which were looked for. ``lora_lint.sources.repository`` is the one that looks on the disk.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import Any, NamedTuple, Protocol
from lora_rules.engine.unknown import Unknown

Row = dict[str, Any]
"""A row of training data: columns by name."""


class ModelConfig(NamedTuple):
    """A base model's ``config.json``."""

    values: Mapping[str, Any]
    path: str
    """Where it was read, for messages."""


class Launch(NamedTuple):
    """A command of a shell script that starts the recipe."""

    script: str
    line: int
    processes: int
    """How many certainly; 0 if that is not known."""
    zero_stage: int = 0
    """Of DeepSpeed's ZeRO, if the launcher sets it; else 0."""


class Repository(Protocol):
    """The files around a recipe. Relative paths count from its folder, then from the current one.

    Every answer may raise :class:`lora_rules.engine.unknown.Unknown`, with the reason, where a file
    is there and cannot be read.
    """

    def model_config(self, model: str) -> ModelConfig | None:
        """The ``config.json`` of a model in a local folder; ``None`` if there is no such folder."""

    def hub_config(self, model: str) -> ModelConfig:
        """The ``config.json`` of a model of the hub: from its cache here or, if allowed, from it.

        Raises:
            Unknown: if it is not to be had.
        """

    def has_file(self, path: str) -> bool:
        """Whether there is a file of that name."""

    def count_rows(self, source: str) -> int | None:
        """The rows of a local file of training data; ``None`` if there is no such file."""

    def rows(self, source: str) -> list[Row]:
        """The rows of a small local file of JSON.

        Raises:
            Unknown: if it is something else, too large, or not there.
        """

    def document(self, path: str) -> Mapping[str, Any] | None:
        """A JSON file that holds an object; ``None`` if there is none that can be read."""

    def launches(self) -> tuple[Launch, ...]:
        """The commands of the shell scripts beside the recipe that certainly start it."""


class NoFiles:
    """The repository of a recipe that stands alone."""

    def model_config(self, _model: str) -> ModelConfig | None:
        """There is none."""
        return None

    def hub_config(self, model: str) -> ModelConfig:
        """There is none.

        Raises:
            Unknown: always.
        """
        raise Unknown(f"the architecture of {model!r} is not in the table of models")

    def has_file(self, _path: str) -> bool:
        """There is none."""
        return False

    def count_rows(self, _source: str) -> int | None:
        """There are none."""
        return None

    def rows(self, source: str) -> list[Row]:
        """There are none.

        Raises:
            Unknown: always.
        """
        raise Unknown(f"{source} is no local file of JSON")

    def document(self, _path: str) -> Mapping[str, Any] | None:
        """There is none."""
        return None

    def launches(self) -> tuple[Launch, ...]:
        """There are none."""
        return ()


NO_FILES = NoFiles()
