"""What a recipe says, read leniently or strictly."""

from __future__ import annotations

import re

from lora_rules.engine.behaviour import Behaviour
from lora_rules.recipe import Key, Recipe


def is_off(recipe: Recipe, name: str) -> bool:
    """Whether a setting is known to spread or quantize nothing."""
    value = recipe.known(name)
    return value in ("", "no", False, "cuda", "cuda:0", 0) or value in ([], {}, {"": 0})


def is_on(recipe: Recipe, name: str) -> bool:
    """Whether a setting or a key of that name is there and on, or may be."""
    setting = recipe.settings.get(name)
    if setting is not None:
        return not _all_off(setting.candidates)
    return any(not _all_off(key.candidates) for key in keys(recipe) if key.name == name)


def _all_off(values: tuple[object, ...]) -> bool:
    """Whether something is known to be off; a size of 1 is, ``True`` (equal to 1) is not."""
    return bool(values) and all(
        value in (None, "", "no", "false")
        if isinstance(value, str | None)
        else value is False or (type(value) is int and value <= 1)
        for value in values
    )


def keys(recipe: Recipe) -> list[Key]:
    """Every key as written, whatever block it stands in."""
    return [key for block in recipe.blocks for key in block.keys]


def written(recipe: Recipe, name: str) -> object:
    """The one value of a key that no setting stands for, else ``None``."""
    values = [key.candidates for key in keys(recipe) if key.name == name]
    return values[-1][0] if values and len(values[-1]) == 1 else None


def pinned(recipe: Recipe, library: str) -> tuple[int, ...] | None:
    """The version of a library that the repository pins."""
    pin = recipe.known(f"pinned_{library}")
    numbers = re.match(r"\d+(?:\.\d+)*", pin) if isinstance(pin, str) else None
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else None


def handed_to(recipe: Recipe, framework: Behaviour) -> str:
    """The trainer that a switch of the file hands the run to, or may; empty if there is none."""
    switches = framework.trainer_switches.items()
    return next((trainer for key, trainer in switches if is_on(recipe, key)), "")
