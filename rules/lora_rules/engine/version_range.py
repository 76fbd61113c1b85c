"""Which versions of a library a repository allows, and what follows from that.

Versions are ordered as PEP 440 says: ``0.30rc1`` comes before ``0.30`` and after ``0.29.9``. Plain
numbers (``4.46.3``) are compared here; ``packaging`` is imported for everything else only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from lora_rules.engine._startup.record import lazily, record
from lora_rules.engine._startup.typed import NamedTuple

COMMIT = "@"
"""The operator of a commit of the library's source, whose version is not known."""
_PLAIN = lazily(r"\d+(?:\.\d+)*")


class Specifier(NamedTuple):
    """One condition on a version, and where it is written."""

    operator: str
    """As in PEP 440, or :data:`COMMIT`."""
    version: str
    source: str = ""
    """The file, as a message names it."""
    line: int = 0
    """Counted from 1; 0 where it is not known."""

    @property
    def text(self) -> str:
        """``>=4.30``."""
        return self.operator + self.version

    @property
    def place(self) -> str:
        """``requirements.txt:3``."""
        return f"{self.source}:{self.line}" if self.line else self.source


Conditions = tuple[Specifier, ...]
"""Conditions that hold together."""


@record(frozen=True)
class VersionRange:
    """The versions that one of several sets of conditions allows; all, if there is no condition.

    Of an installation whose version depends on something unknown (an environment marker), each
    possibility is one set of conditions.
    """

    alternatives: tuple[Conditions, ...] = ((),)

    @property
    def bounded(self) -> bool:
        """Whether there is any condition, whatever is chosen."""
        return all(self.alternatives)

    @property
    def capped(self) -> bool:
        """Whether versions above some number are excluded in any case."""
        return all(_limits(each).high is not None for each in self.alternatives)

    @property
    def at_commit(self) -> bool:
        """Whether it is, or may be, a commit of the source, whose version is not known."""
        return any(each.operator == COMMIT for held in self.alternatives for each in held)

    @property
    def exact(self) -> str | None:
        """The one version that is allowed (``==4.46.3``), if it is one."""
        found = {_exact(each) for each in self.alternatives}
        return found.pop() if len(found) == 1 else None

    def certainly_below(self, version: str) -> bool:
        """Whether every allowed version is lower than this one."""
        return all(_below(_limits(each), version) for each in self.alternatives)

    def certainly_at_least(self, version: str) -> bool:
        """Whether every allowed version is this one or higher; ``==5.*`` begins with 5.0 itself."""
        return all(_at_least(_limits(each), version) for each in self.alternatives)

    def certainly_at_most(self, version: str) -> bool:
        """Whether every allowed version is this one or lower."""
        return all(_at_most(_limits(each), version) for each in self.alternatives)

    def possibly_below(self, version: str) -> bool:
        """Whether a lower version is allowed."""
        return not self.certainly_at_least(version)

    def contains(self, version: str) -> bool:
        """Whether a version is allowed; of a commit, whether it may be that version."""
        return any(allows(each, version) for each in self.alternatives)

    @property
    def high(self) -> str | None:
        """The version above which none is allowed, of a range with one set of conditions."""
        return _limits(self.alternatives[0]).high if len(self.alternatives) == 1 else None

    def __str__(self) -> str:
        """``4.46.3`` of an exact version, else the conditions: ``>=4.30,<5``."""
        exact = self.exact
        if exact is not None:
            return exact
        return " or ".join(
            ",".join(dict.fromkeys(each.text for each in held)) or "any version"
            for held in self.alternatives
        )

    @property
    def places(self) -> tuple[str, ...]:
        """Where the conditions are written."""
        held = (each.place for conditions in self.alternatives for each in conditions)
        return tuple(dict.fromkeys(place for place in held if place))


ANY = VersionRange()
"""Nothing is said."""


def exactly(version: str, source: str = "", line: int = 0) -> VersionRange:
    """The range of one version."""
    return VersionRange(((Specifier("==", version, source, line),),))


def union(ranges: Iterable[VersionRange]) -> VersionRange:
    """What any of several ranges allows."""
    every = dict.fromkeys(held for each in ranges for held in each.alternatives)
    return VersionRange(tuple(every)) if every else ANY


def compare(one: str, other: str) -> int:
    """Negative, zero or positive, as one version is below, the same as or above the other."""
    left, right = _numbers(one), _numbers(other)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    from packaging.version import Version

    first, second = Version(one), Version(other)
    return (first > second) - (first < second)


def satisfiable(conditions: Conditions) -> bool:
    """Whether any version meets all conditions."""
    limits = _limits(conditions)
    if limits.low is None or limits.high is None:
        return True
    order = compare(limits.low, limits.high)
    if order == 0:
        closed = limits.low_included and limits.high_included
        return closed and allows(conditions, limits.low)
    return order < 0


def allows(conditions: Conditions, version: str) -> bool:
    """Whether a version meets all conditions; a commit may be any version."""
    plain = _numbers(version) is not None
    real = tuple(each for each in conditions if each.operator != COMMIT)
    if plain and all(_is_plain(each) for each in real):
        return all(_meets(each, version) for each in real)
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(",".join(each.text for each in real)).contains(version)


class _Limits(NamedTuple):
    low: str | None = None
    low_included: bool = True
    high: str | None = None
    high_included: bool = False


@cache
def _limits(conditions: Conditions) -> _Limits:
    """The ends of what the conditions allow; ``!=`` moves none."""
    limits = _Limits()
    for each in conditions:
        limits = _narrower(limits, _ends(each))
    return limits


def _ends(each: Specifier) -> _Limits:
    operator, version = each.operator, each.version
    if version.endswith(".*"):
        stem = version.removesuffix(".*")
        return _Limits(low=stem, high=_next(stem)) if operator == "==" else _Limits()
    if operator in ("==", "==="):
        return _Limits(version, True, version, True)
    if operator == "~=":
        return _Limits(low=version, high=_next(".".join(_release(version)[:-1])))
    if operator in (">", ">="):
        return _Limits(low=version, low_included=operator == ">=")
    if operator in ("<", "<="):
        return _Limits(high=version, high_included=operator == "<=")
    return _Limits()


def _narrower(one: _Limits, other: _Limits) -> _Limits:
    if other.low is not None:
        order = 1 if one.low is None else compare(other.low, one.low)
        if order > 0 or (order == 0 and not other.low_included):
            one = one._replace(low=other.low, low_included=other.low_included)
    if other.high is not None:
        order = -1 if one.high is None else compare(other.high, one.high)
        if order < 0 or (order == 0 and not other.high_included):
            one = one._replace(high=other.high, high_included=other.high_included)
    return one


def _below(limits: _Limits, version: str) -> bool:
    if limits.high is None:
        return False
    order = compare(limits.high, version)
    return order < 0 or (order == 0 and not limits.high_included)


def _at_most(limits: _Limits, version: str) -> bool:
    return limits.high is not None and compare(limits.high, version) <= 0


def _at_least(limits: _Limits, version: str) -> bool:
    return limits.low is not None and compare(limits.low, version) >= 0


def _exact(conditions: Conditions) -> str | None:
    limits = _limits(conditions)
    closed = limits.low_included and limits.high_included
    if limits.low is None or limits.high is None or not closed:
        return None
    return limits.low if compare(limits.low, limits.high) == 0 else None


def _next(stem: str) -> str:
    """The first release that does not begin with these numbers: ``4.46`` gives ``4.47``."""
    *before, last = _release(stem)
    return ".".join([*before, str(int(last) + 1)])


def _release(version: str) -> list[str]:
    if _numbers(version) is not None:
        return version.split(".")
    from packaging.version import Version

    return [str(number) for number in Version(version).release]


@cache
def _numbers(version: str) -> tuple[int, ...] | None:
    """The numbers of a plain version without zeros at the end; ``None`` of another."""
    if not _PLAIN.fullmatch(version):
        return None
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _is_plain(each: Specifier) -> bool:
    return each.operator != "===" and _numbers(each.version.removesuffix(".*")) is not None


def _meets(each: Specifier, version: str) -> bool:
    """Whether a plain version meets a condition on plain versions."""
    operator, wanted = each.operator, each.version
    if wanted.endswith(".*"):
        return _begins(version, wanted.removesuffix(".*")) == (operator == "==")
    order = compare(version, wanted)
    if operator == "~=":
        return order >= 0 and _begins(version, wanted.rpartition(".")[0])
    return _ORDERS[operator](order)


_ORDERS: Mapping[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
}


def _begins(version: str, stem: str) -> bool:
    """Whether a version begins with these numbers, where it is filled up with zeros."""
    wanted = [int(part) for part in stem.split(".")]
    numbers = [int(part) for part in version.split(".")]
    numbers += [0] * (len(wanted) - len(numbers))
    return numbers[: len(wanted)] == wanted
