"""Keys as they are written, whatever block they stand in; and what a key or a setting switches on.

For keys of a framework's own that no setting stands for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Absent, Known, Value
from lora_rules.recipe import Blocks, Key


def every_key(blocks: Blocks) -> Iterator[Key]:
    """Every key, in the order of the file."""
    return (key for block in blocks for key in block.keys)


def written(blocks: Blocks, name: str) -> object:
    """The one value of a key that no setting stands for, else ``None``."""
    values = [key.candidates for key in every_key(blocks) if key.name == name]
    return values[-1][0] if values and len(values[-1]) == 1 else None


def writes(blocks: Blocks, name: str) -> bool:
    """Whether the adapter's own call or file has a key of that name, whatever its value."""
    own = (key.name for block in blocks[:1] for key in block.keys)
    return any(key == name or key.endswith(f".{name}") for key in own)


def is_true(blocks: Blocks, name: str) -> bool:
    """Whether some key of that name is known to be true."""
    return any(key.name == name and key.candidates == (True,) for key in every_key(blocks))


def keys_on(blocks: Blocks, names: Collection[str]) -> frozenset[str]:
    """Those of some names that are written, and on, or may be."""
    return frozenset(
        key.name for key in every_key(blocks) if key.name in names and not _all_off(key.candidates)
    )


def may_be_on(value: Value, blocks: Blocks, name: str) -> bool:
    """Whether a setting, or else a key of that name, is there and on, or may be."""
    if isinstance(value, Absent):
        return bool(keys_on(blocks, (name,)))
    return not (isinstance(value, Known) and _all_off((value.value,)))


def _all_off(values: tuple[object, ...]) -> bool:
    """Whether something is known to be off; a size of 1 is, ``True`` (equal to 1) is not."""
    return bool(values) and all(
        value in (None, "", "no", "false")
        if isinstance(value, str | None)
        else value is False or (type(value) is int and value <= 1)
        for value in values
    )


def spreads_nothing(value: Value) -> bool:
    """Whether a setting such as ``device_map`` is known to put all of the model on one device."""
    if not isinstance(value, Known):
        return False
    found = value.value
    return found in ("", "no", False, "cuda", "cuda:0", 0) or found in ([], {}, {"": 0})


def handed_to(blocks: Blocks, framework: Behaviour) -> str:
    """The trainer that a switch of the file hands the run to, or may; empty if there is none."""
    on = keys_on(blocks, framework.trainer_switches)
    return next((who for key, who in framework.trainer_switches.items() if key in on), "")
