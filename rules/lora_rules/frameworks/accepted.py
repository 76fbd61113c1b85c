"""What each key of a framework accepts: types and, where they are listed, values.

A table ``frameworks/<name>/accepted.txt`` has a line a key, written from the framework's own schema
by ``tools/record_accepted.py``::

    rl "dpo"|"grpo"|"kto"|none
    lora_r int|none

Types are those of YAML: ``none bool int float str list dict any``; a value in quotes is accepted
as it is, and ``~`` starts a pattern that a text may match. ``datasets[].path`` is a key of each
item of a list. A second line ``# unconverted`` says that the framework converts nothing, and that
the types are those that it accepts as they stand; ``number`` and ``flag`` are those in quotes
there, ``words`` are several of the listed values in a text, ``bit`` is 0 or 1, and ``one`` a list
of one item that is accepted by itself.
"""

from __future__ import annotations

import os
from functools import cache

from lora_rules.engine._startup.typed import NamedTuple

_FOLDER = os.path.dirname(os.path.realpath(__file__))
UNCONVERTED = "# unconverted"
PLAIN = ("bool", "int", "float", "str", "list", "dict")
_TRUE = ("1", "on", "t", "true", "y", "yes")
_FALSE = ("0", "off", "f", "false", "n", "no")


class Accepted(NamedTuple):
    """What a key accepts."""

    types: frozenset[str]
    values: tuple[str, ...]
    """The values that are listed, as they are written; with no type beside them, all there are."""

    patterns: tuple[str, ...] = ()
    """Patterns that a text may match."""

    converts: bool = True
    """Whether the framework converts values as pydantic does."""

    def takes(self, value: object) -> bool:
        """Whether a value is accepted, after the conversions that pydantic makes, if any are.

        Those are (pydantic 2, "lax"): 0, 1 and words such as ``yes`` for a flag; a flag, a whole
        float or digits in quotes for an integer; a flag, an integer or a number in quotes for a
        float. A number is no text.
        """
        if "any" in self.types:
            return True
        if value is None:
            return "none" in self.types
        if not self.converts:
            return self._takes_as_it_is(value)
        if isinstance(value, float) and "str" in self.types:
            return True  # `1e-4` is a text to YAML 1.1, and a number to us
        if isinstance(value, str):
            return "str" in self.types or value in self.values or self._takes_text(value)
        if isinstance(value, bool | int | float):
            return self._takes_number(value) or str(value) in self.values
        return ("list" if isinstance(value, list | tuple) else "dict") in self.types

    def _takes_as_it_is(self, value: object) -> bool:
        if value is False and "no" in self.values:
            return True  # a text in a command, which is read as YAML reads it
        if isinstance(value, list | tuple):
            one = "one" in self.types and len(value) == 1
            return "list" in self.types or (one and self._takes_as_it_is(value[0]))
        if not isinstance(value, str):
            kind = type(value).__name__
            bit = "bit" in self.types and value in (0, 1)
            listed = str(value) in self.values
            return bit or listed or kind in self.types or kind not in PLAIN
        kind = "str" if _number(value) is None else "number"
        if "flag" in self.types and value.lower() in (*_TRUE, *_FALSE):
            return True
        parts = value.split() if "words" in self.types else [value]
        return kind in self.types or (bool(parts) and all(map(self.values.__contains__, parts)))

    def _takes_text(self, text: str) -> bool:
        import re  # imported here: most texts are taken already

        if any(re.match(pattern, text) for pattern in self.patterns):
            return True
        if "bool" in self.types and text.lower() in (*_TRUE, *_FALSE):
            return True
        number = _number(text)
        whole = number is not None and number.is_integer()
        return (whole and "int" in self.types) or (number is not None and "float" in self.types)

    def _takes_number(self, number: float) -> bool:
        if "float" in self.types:
            return True
        whole = not isinstance(number, float) or number.is_integer()  # not NaN, not infinite
        return (whole and "int" in self.types) or (number in (0, 1) and "bool" in self.types)


def _number(text: str) -> float | None:
    """The finite number that a text is, or ``None``."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


class Table(NamedTuple):
    """A framework's keys."""

    source: str
    """Which version was asked: ``axolotl 0.19.0``."""
    keys: dict[str, str]
    converts: bool

    def of(self, key: str) -> Accepted | None:
        """What a key accepts; ``None`` where the table does not have it."""
        line = self.keys.get(key)
        if line is None:
            return None
        parts = line.split("|")
        values = tuple(part[1:-1] for part in parts if part.startswith('"'))
        patterns = tuple(part[1:] for part in parts if part.startswith("~"))
        types = frozenset(part for part in parts if not part.startswith(('"', "~")))
        return Accepted(types, values, patterns, self.converts)


@cache
def table(framework: str) -> Table | None:
    """The table of a framework by its name; ``None`` where it has none."""
    path = os.path.join(_FOLDER, framework.replace("-", "_"), "accepted.txt")
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        first, *lines = file.read().splitlines()
    source = first.partition("asked of ")[2].partition(":")[0]
    converts = lines[0] != UNCONVERTED
    return Table(
        source, dict(line.split(" ", 1) for line in lines if not line.startswith("#")), converts
    )
