"""A model's ``config.json``, read strictly: a size is a size, or nothing is told."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.value import Unknown


class Config:
    """A model's ``config.json``, read strictly."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def size(self, name: str, default: int | None = None) -> int:
        """A positive whole number.

        Raises:
            Unknown: if it is absent and has no default, or is something else.
        """
        value = self._values.get(name)
        if value is None:
            value = default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise Unknown(f"the model's configuration gives no {name}")
        return value
