"""Layers, exclusions and kinds of modules that the targets run into."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted


def names(targeted: Targeted) -> list[str]:
    """The target modules that are written as a list; none for a pattern."""
    names = targeted.written
    return [] if names is None or isinstance(names, str) else list(names)


def has(paths: tuple[str, ...], name: str) -> bool:
    """Whether a name is a path, or the end of one, as PEFT matches it."""
    return any(path == name or path.endswith(f".{name}") for path in paths)
