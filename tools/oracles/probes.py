"""What a key accepts, found out by asking: the lines of ``pydantic_fields``, for any validator.

Runs in the environment of the framework, which need not have lora-lint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

PROBES = {
    "none": (None,),
    "bool": (True, False),
    "int": (2, 3),
    "float": (0.37, 2.5),
    "str": ("quite something", "abc"),
    "number": ("3", "0.5"),
    "list": (["a", "b"], [1]),
    "dict": ({"a": 1},),
}
"""Values of each type; ``number`` is one in quotes. A type that is refused in all of them is not
accepted."""

Accepts = Callable[[str, object], bool]
"""Whether a sound configuration is still accepted with this key at that value."""


def lines(keys: Mapping[str, Sequence[object]], accepts: Accepts) -> Iterator[str]:
    """A line a key: the types of which a probe is accepted, and the listed values that are.

    ``keys`` has the values that are listed for each key, if any are.
    """
    for key, listed in sorted(keys.items()):
        types = [
            kind for kind, probes in PROBES.items() if any(accepts(key, probe) for probe in probes)
        ]
        values = [json.dumps(each) for each in listed if "str" not in types and accepts(key, each)]
        yield f"{key} {'|'.join([*values, *types])}"
