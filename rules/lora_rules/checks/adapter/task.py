"""The rank bands that practitioners' guides give for a kind of task."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import NamedTuple


class Band(NamedTuple):
    """What one guide gives for a task."""

    guide: str
    lowest: int
    highest: int


GUIDES: Mapping[str, tuple[Band, ...]] = {
    "style": (Band("Osei", 8, 8), Band("a lesson on narrow tasks", 8, 8)),
    "classification": (Band("Osei", 8, 8), Band("Brenndoerfer", 8, 8)),
    "instruction": (Band("Brenndoerfer", 16, 16), Band("two others", 16, 16)),
    "domain": (Band("Osei", 16, 16), Band("Brenndoerfer", 32, 32)),
    "code": (Band("Brenndoerfer", 64, 64), Band("CloudCodeTree", 64, 128)),
}
"""A declared task to the bands of the guides that name it."""


TASKS = tuple(GUIDES)
