"""Which modules PEFT adapts: the matching of 0.21.2, over the paths of a model's modules.

Sources: ``check_target_module_exists``, ``_maybe_include_all_linear_layers`` and
``inject_adapter`` in ``peft/tuners/tuners_utils.py``; ``get_pattern_key`` in
``peft/utils/other.py``; ``LoraConfig.__post_init__`` in ``peft/tuners/lora/config.py``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from lora_rules.engine._startup.record import record, replace
from lora_rules.engine.value import Unknown

ALL_LINEAR = "all-linear"
CONDENSED = 20
"""From so many targets on, PEFT shortens the list before it matches."""


@record(frozen=True)
class Targets:
    """What an adapter's configuration says of modules, as PEFT reads it."""

    wanted: Collection[str] | str
    """Names, or one regular expression for the whole path."""
    excluded: Collection[str] | str = ()
    saved: Sequence[str] = ()
    layers: Sequence[int] | int | None = None
    layers_patterns: Sequence[str] = ()
    as_written: object = None
    """``target_modules`` before PEFT filled in or rewrote anything."""

    def __post_init__(self) -> None:
        """Refuse what PEFT refuses."""
        layered = self.layers is not None or self.layers_patterns
        if layered and isinstance(self.as_written, str):
            raise Unknown("PEFT refuses layers_to_transform unless target_modules is a list")
        if self.layers_patterns and self.layers is None:
            raise Unknown("PEFT refuses layers_pattern without layers_to_transform")
        if layered and len(self.wanted) >= CONDENSED:
            raise Unknown("layers_to_transform with so many targets is not followed here")
        if isinstance(self.layers, list) and not all(type(one) is int for one in self.layers):
            raise Unknown(f"layers_to_transform={self.layers!r} is not a list of layers")

    def naming(self, paths: frozenset[str]) -> Targets:
        """The same with these modules wanted."""
        return replace(self, wanted=paths)

    @cached_property
    def _leaves(self) -> frozenset[str] | None:
        """The last parts of the names that are wanted; ``None`` where an expression has a say."""
        if isinstance(self.wanted, str) or isinstance(self.excluded, str) or self.saved:
            return None
        return frozenset(name.rpartition(".")[2] for name in self.wanted)

    def match(self, path: str) -> bool:
        """Whether PEFT puts an adapter on the module at this path, or tries to."""
        if self._leaves is not None and path.rpartition(".")[2] not in self._leaves:
            return False
        if self.excluded and matches(self.excluded, path):
            return False
        if any(expression(rf"(^|.*\.){one}($|\..*)", one).match(path) for one in self.saved):
            return False
        if isinstance(self.wanted, str) or path in self.wanted:
            return matches(self.wanted, path)
        return matches(self.wanted, path) and self._is_in_layers(path)

    def _is_in_layers(self, path: str) -> bool:
        if self.layers is None or self.layers == []:
            return True
        layer = self._layer(path)
        if layer is None:
            return False
        return layer == self.layers if isinstance(self.layers, int) else layer in self.layers

    def _layer(self, path: str) -> int | None:
        """The first index in the path, or the first after one of the patterns."""
        if not self.layers_patterns:
            found = re.match(r".*?\.[^.]*\.(?P<idx>\d+)\.", path)
            return int(found["idx"]) if found else None
        for pattern in self.layers_patterns:
            found = expression(rf"(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.", pattern).match(path)
            if found:
                return int(found["idx"])
        return None


def matches(wanted: Collection[str] | str, path: str) -> bool:
    """A text is one regular expression for the whole path; names match its end."""
    if isinstance(wanted, str):
        return expression(wanted, wanted).fullmatch(path) is not None
    while path not in wanted:
        _, dot, path = path.partition(".")
        if not dot:
            return False
    return True


class Ranks:
    """The rank of each module: that of the first pattern that fits its path."""

    def __init__(self, r: int, patterns: Mapping[str, object] | None) -> None:
        self._r = r
        self._patterns: list[tuple[re.Pattern[str], int]] = []
        for name, rank in (patterns or {}).items():
            if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
                raise Unknown(f"rank_pattern gives {name!r} the rank {rank!r}")
            self._patterns.append((expression(rf"(.*\.)?({name})$", name), rank))
        if r < 1:
            raise Unknown(f"PEFT refuses the rank {r}")

    def of(self, path: str) -> int:
        """The rank at a path."""
        return next((rank for pattern, rank in self._patterns if pattern.match(path)), self._r)


def expression(pattern: str, own: str) -> re.Pattern[str]:
    """The regular expression, unless it could take for ever to match (it is a stranger's).

    Args:
        pattern: the whole of it.
        own: the part that somebody wrote.

    Raises:
        Unknown: if it is not followed here, or is none.
    """
    if len(own) > 400 or re.search(r"\)[*+{]", own) or len(re.findall(r"[*+]", own)) > 4:
        raise Unknown(f"the regular expression {own!r} is not followed here")
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise Unknown(f"{own!r} is no regular expression: {problem}") from None
