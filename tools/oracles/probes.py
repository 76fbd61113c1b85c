"""What a key accepts, found out by asking: the lines of ``pydantic_fields``, for any validator.

Runs in the environment of the framework, which need not have lora-lint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

PROBES = {
    "none": (None,),
    "bool": (True, False),
    "int": (2, 3, -1, 10**9),
    "bit": (0, 1),
    "float": (0.37, 2.5, 1e9),
    "str": ("quite something", "abc", "{}", "0.3,0.7"),
    "number": ("3", "0.5"),
    "flag": ("true", "False"),
    "list": (["a", "b"], [1, 2], ["lora"]),
    "one": ([1],),
    "dict": ({"a": 1}, {}),
}
"""Values of each type; ``number`` and ``flag`` are those in quotes, ``bit`` are the integers that a
flag may be, ``one`` is a list of one, which a command line cannot tell from its item. A type that
is refused in all of them is not accepted."""
IMPLIED = {"bit": "int", "one": "list"}
"""Types that say nothing more where another is accepted."""

Refused = Callable[[str, Sequence[object]], Sequence[bool]]
"""Of each of these values of a key, whether it makes a sound configuration refused."""

UNCONVERTED = "# unconverted"
"""The first line: the types are those that were tried, and none is converted to another."""


def lines(keys: Mapping[str, Sequence[object]], refused: Refused) -> Iterator[str]:
    """A line a key: the types of which a probe is accepted, and the values that are listed.

    ``keys`` has the values that are listed for each key, if any are. A listed value that asks for
    other settings (``reduce_lr_on_plateau`` for an evaluation) stays listed. A key that refuses
    every probe but null needs what no probe has, such as a file.
    """
    yield UNCONVERTED
    for key, values in sorted(keys.items()):
        listed = sorted(str(value) for value in values if value is not None)
        yield f"{key} {'|'.join(_accepted(key, listed, refused))}"


def _accepted(key: str, listed: list[str], refused: Refused) -> list[str]:
    tried = [
        (kind, probe)
        for kind, probes in PROBES.items()
        for probe in probes
        if str(probe) not in listed
    ]
    if len(listed) > 1:
        tried.append(("words", " ".join(listed[:2])))
    answers = refused(key, [probe for _kind, probe in tried])
    types = [kind for (kind, _), no in zip(tried, answers, strict=True) if not no]
    types = [kind for kind in dict.fromkeys(types) if IMPLIED.get(kind) not in types]
    if set(types) >= PROBES.keys() - IMPLIED.keys() or (
        set(types) <= {"none", "words"} and not listed
    ):
        return ["any"]
    if "str" in types or not listed:
        return [kind for kind in types if kind != "words"]
    return [*(json.dumps(each) for each in listed), *types]
