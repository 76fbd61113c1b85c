"""Which recipe became which, and what changed in it."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.compare.measures import ABSENT, Measure, measures
from lora_lint.engine.finding import Finding
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.brief import written
from lora_rules.recipe import Recipe, Setting

_SAME = 1e-9


class Side(NamedTuple):
    """A file as it was or is: its recipes, and what the rules say of them."""

    label: str
    recipes: tuple[Recipe, ...] = ()
    findings: tuple[Finding, ...] = ()


class MeasureChange(NamedTuple):
    """A measure before and after."""

    old: Measure
    new: Measure

    @property
    def name(self) -> str:
        """What is measured."""
        return self.new.name

    @property
    def changed(self) -> bool:
        """Whether the answers differ."""
        return self.old.values != self.new.values

    @property
    def unknown(self) -> str:
        """Why one side is not known, if it is not."""
        return self.new.unknown or self.old.unknown

    @property
    def factor(self) -> float | None:
        """New over old, where both are single numbers."""
        old, new = self.old.number, self.new.number
        return new / old if old and new is not None else None


class SettingChange(NamedTuple):
    """A setting before and after, as text."""

    name: str
    key: str
    old: str
    new: str


class RecipeChange(NamedTuple):
    """A recipe before and after; one of them is ``None`` where it came or went."""

    old: Recipe | None
    new: Recipe | None
    measures: tuple[MeasureChange, ...] = ()
    settings: tuple[SettingChange, ...] = ()
    appeared: tuple[Finding, ...] = ()
    vanished: tuple[Finding, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything differs in meaning."""
        return (
            self.old is None
            or self.new is None
            or bool(self.settings or self.appeared or self.vanished)
            or any(measure.changed for measure in self.measures)
        )


class FileChange(NamedTuple):
    """A file before and after."""

    old: str
    new: str
    recipes: tuple[RecipeChange, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs in meaning."""
        return any(recipe.changed for recipe in self.recipes)


def compare(old: Side, new: Side) -> FileChange:
    """What changed from one side to the other."""
    return FileChange(
        old.label,
        new.label,
        tuple(_recipe(old, new, *pair) for pair in _pairs(old.recipes, new.recipes)),
    )


def _pairs(
    old: tuple[Recipe, ...], new: tuple[Recipe, ...]
) -> Iterator[tuple[int | None, int | None]]:
    """Recipes of equal number pair up in order; else each new one takes the likest old one."""
    if len(old) == len(new):
        yield from ((at, at) for at in range(len(new)))
        return
    free = set(range(len(old)))
    partners: dict[int, int] = {}
    likeness = [(_alike(old[i], new[j]), -i, -j) for i in free for j in range(len(new))]
    for score, i, j in sorted(likeness, reverse=True):
        if score and -i in free and -j not in partners:
            free.remove(-i)
            partners[-j] = -i
    yield from ((partners.get(j), j) for j in range(len(new)))
    yield from ((i, None) for i in sorted(free))


def _alike(old: Recipe, new: Recipe) -> int:
    """How many written settings are the same."""
    return sum(
        setting.written and name in old.settings and _same(old.settings[name], setting)
        for name, setting in new.settings.items()
    )


def _recipe(old: Side, new: Side, before: int | None, after: int | None) -> RecipeChange:
    was = old.recipes[before] if before is not None else None
    now = new.recipes[after] if after is not None else None
    told_before = _findings(old, before)
    told_after = _findings(new, after)
    return RecipeChange(
        was,
        now,
        tuple(_measures(was, now)),
        tuple(_settings(was, now)),
        tuple(_less(told_after, told_before)),
        tuple(_less(told_before, told_after)),
    )


def _findings(side: Side, number: int | None) -> list[Finding]:
    if number is None:
        return []
    return [
        finding
        for finding in side.findings
        if finding.recipe == number and finding.suppressed is None and finding.certain
    ]


def _less(findings: list[Finding], others: list[Finding]) -> Iterator[Finding]:
    """The findings whose rule and severity the other side does not have as often."""
    left = [(other.full_code, other.severity) for other in others]
    for finding in findings:
        told = (finding.full_code, finding.severity)
        if told in left:
            left.remove(told)
        else:
            yield finding


def _measures(old: Recipe | None, new: Recipe | None) -> Iterator[MeasureChange]:
    if old is not None and new is not None:
        for before, after in zip(measures(old), measures(new), strict=True):
            yield MeasureChange(before, after)
    else:
        there = new or old
        for measure in measures(there) if there is not None else ():
            absent = Measure(measure.name, unknown=ABSENT)
            pair = (absent, measure) if new is not None else (measure, absent)
            yield MeasureChange(*pair)


def _settings(old: Recipe | None, new: Recipe | None) -> Iterator[SettingChange]:
    if old is None or new is None:
        return
    for name in dict.fromkeys((*new.settings, *old.settings)):
        before, after = old.settings.get(name), new.settings.get(name)
        there = [setting for setting in (after, before) if setting is not None]
        differ = len(there) == 1 or not _same(*there)
        if differ and any(setting.written for setting in there):
            yield SettingChange(name, there[0].key, _text(before), _text(after))


def _same(one: Setting, other: Setting) -> bool:
    if len(one.candidates) != len(other.candidates):
        return False
    return all(map(_equal, one.candidates, other.candidates))


def _equal(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= _SAME * max(abs(one), abs(other))
    return one == other


def _text(setting: Setting | None) -> str:
    if setting is None:
        return "not set"
    if not setting.candidates:
        return "not known"
    return " | ".join(dict.fromkeys(map(written, setting.candidates)))
