"""The files around a recipe, as :mod:`lora_rules.repository` lets facts ask for them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from lora_lint.sources.files import Files
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.unknown import Unknown
from lora_rules.repository import Launch, ModelConfig, Row

MAX_CONFIG_BYTES = 1_000_000
"""The largest ``config.json`` of the table has 60,000."""


class FileRepository:
    """The files around a recipe, on the disk."""

    def __init__(self, recipe: str, files: Files, *, online: bool) -> None:
        """Look nothing up yet.

        Args:
            recipe: its path; what stands beside it is looked for first.
            files: remembers what is looked for.
            online: whether the hub may be asked over the network.
        """
        self._recipe = recipe
        self._folders = tuple(dict.fromkeys((os.path.dirname(recipe), "")))
        self._files = files
        self._online = online

    def model_config(self, model: str) -> ModelConfig | None:
        """The ``config.json`` of a model in a local folder; ``None`` if there is no such folder."""
        for folder in self._folders:
            path = os.path.join(folder, model, "config.json")
            if self._files.is_file(path):
                return self._model_config(path)
        return None

    def hub_config(self, model: str) -> ModelConfig:
        """The ``config.json`` of a model of the hub: from its cache here or, if allowed, from it.

        Raises:
            Unknown: if it is not to be had.
        """
        from lora_lint.sources.hub import cached_folder, downloaded_folder

        folder = cached_folder(model, self._files)
        if folder is None and not self._online:
            raise Unknown(
                f"the architecture of {model!r} is not in the table of models, nor in the hub's "
                "cache here; --online asks the hub"
            )
        return self._model_config(os.path.join(folder or downloaded_folder(model), "config.json"))

    def has_file(self, path: str) -> bool:
        """Whether there is a file of that name."""
        return any(self._files.is_file(os.path.join(folder, path)) for folder in self._folders)

    def count_rows(self, source: str) -> int | None:
        """The rows of a local file of training data; ``None`` if there is no such file.

        Raises:
            Unknown: if they cannot be counted, or two different files have that name.
        """
        found = self._find(source)
        if len(found) > 1 and not os.path.samefile(found[0], found[1]):
            raise Unknown(f"{source} is there twice: {found[0]} and {found[1]}")
        if not found:
            return None
        from lora_lint.sources.rows import count  # few recipes name a local file

        return count(found[0])

    def rows(self, source: str) -> list[Row]:
        """The rows of a small local file of JSON.

        Raises:
            Unknown: if it is something else, too large, or not there.
        """
        found = self._find(source)
        if not found or os.path.splitext(source)[1].lower() not in (".jsonl", ".json"):
            raise Unknown(f"{source} is no local file of JSON")
        from lora_lint.sources.rows import read

        return read(found[0])

    def document(self, path: str) -> Mapping[str, Any] | None:
        """A JSON file that holds an object; ``None`` if there is none that can be read."""
        for folder in self._folders:
            try:
                values = self._json(os.path.join(folder, path))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(values, dict):
                return values
        return None

    def launches(self) -> tuple[Launch, ...]:
        """The commands of the shell scripts beside the recipe that certainly start it."""
        from lora_lint.sources.launches import launches_of  # few rules ask

        return launches_of(self._recipe, self._files)

    def _find(self, name: str) -> list[str]:
        paths = [os.path.join(folder, name) for folder in self._folders]
        return [path for path in paths if self._files.is_file(path)]

    def _json(self, path: str) -> Any:  # noqa: ANN401  # whatever the file holds
        from json import loads  # most recipes name no file

        text = self._files.text(path, MAX_CONFIG_BYTES)
        if text is None:
            raise ValueError("it is too large for a configuration")
        return loads(text)

    def _model_config(self, path: str) -> ModelConfig:
        try:
            values = self._json(path)
        except (OSError, ValueError, RecursionError) as problem:
            raise Unknown(f"{path} cannot be read: {problem}") from None
        if not isinstance(values, dict):
            raise Unknown(f"{path} is not a model's configuration")
        return ModelConfig(values, path)
