"""What a recipe's keys say that no setting stands for, block by block as they are written."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Absent, Known, Value
from lora_rules.recipe import Blocks, Key


def keys(blocks: Blocks) -> list[Key]:
    """Every key, whatever block it stands in."""
    return [key for block in blocks for key in block.keys]


def writes(blocks: Blocks, name: str) -> bool:
    """Whether the adapter's own call or file has a key of that name, whatever its value."""
    own = (key.name for block in blocks[:1] for key in block.keys)
    return any(key == name or key.endswith(f".{name}") for key in own)


def written(blocks: Blocks, name: str) -> object:
    """The one value of a key, else ``None``."""
    values = [key.candidates for key in keys(blocks) if key.name == name]
    return values[-1][0] if values and len(values[-1]) == 1 else None


def is_true(blocks: Blocks, name: str) -> bool:
    """Whether some key of that name is known to be true."""
    return any(key.name == name and key.candidates == (True,) for key in keys(blocks))


def is_on(blocks: Blocks, name: str) -> bool:
    """Whether a key of that name is there and on, or may be."""
    return any(not _are_off(key.candidates) for key in keys(blocks) if key.name == name)


def may_be_on(value: Value) -> bool:
    """Whether a setting is there and on, or may be."""
    if isinstance(value, Known):
        return not _are_off((value.value,))
    return not isinstance(value, Absent)


def _are_off(values: tuple[object, ...]) -> bool:
    """Whether something is known to be off; a size of 1 is, ``True`` (equal to 1) is not."""
    return bool(values) and all(
        value in (None, "", "no", "false")
        if isinstance(value, str | None)
        else value is False or (type(value) is int and value <= 1)
        for value in values
    )


def handed_to(blocks: Blocks, framework: Behaviour) -> str:
    """The trainer that a switch of the file hands the run to, or may; empty if there is none."""
    switches = framework.trainer_switches.items()
    return next((trainer for key, trainer in switches if is_on(blocks, key)), "")
