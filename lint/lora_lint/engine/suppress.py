"""Suppression comments against findings: what they cover, and which of them cover nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from lora_lint.engine.finding import Finding
from lora_lint.engine.select import IsWanted
from lora_lint.engine.selector import means, rule_part
from lora_lint.read.directives import Directive
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Recipe, Span

Line = tuple[int | None, int]
"""A line of a cell."""
EVERY = ""
"""Stands for the rules of a directive that names none."""


def apply(
    findings: Iterable[Finding],
    directives: tuple[Directive, ...],
    recipes: tuple[Recipe, ...],
    path: str,
) -> tuple[list[Finding], set[int]]:
    """Mark what is suppressed.

    Args:
        findings: of one file, also those that stand in others.
        directives: of a file.
        recipes: of the same file.
        path: of that file.

    Returns:
        The findings, and the positions of the directives that suppressed something.
    """
    if not any(directive.kind in ("ignore", "ignore-file") for directive in directives):
        return list(findings), set()
    covers = _Covers(directives, recipes, path)
    used: set[int] = set()
    marked: list[Finding] = []
    for finding in findings:
        position = covers.first(finding)
        if position is not None:
            used.add(position)
            finding = finding._replace(suppressed=directives[position].reason)
        marked.append(finding)
    return marked, used


class _Covers:
    """Which directive covers a finding: by the word that means its rule, and by the line.

    A file may have thousands of both, so that no finding is held against every directive.
    """

    def __init__(
        self, directives: tuple[Directive, ...], recipes: tuple[Recipe, ...], path: str
    ) -> None:
        self._path = path
        self._of_file: dict[str, int] = {}
        """By word: the first directive for the whole file."""
        self._on_lines: dict[tuple[str, int | None], list[tuple[int, int]]] = {}
        """By word and cell: lines, each with the position of the directive that speaks of it."""
        self._around: dict[Line, list[tuple[int, str]]] = {}
        """By line inside a call: the directives on the call's first line, each with its word."""
        self._words: dict[tuple[str, str, str], tuple[str, ...]] = {}
        ends = _ends(recipes)
        for position, directive in enumerate(directives):
            for word in directive.rules or (EVERY,):
                if directive.kind == "ignore-file":
                    self._of_file.setdefault(word, position)
                elif directive.kind == "ignore":
                    self._add(directive, position, word, ends)
        for lines in self._on_lines.values():
            lines.sort()
        self._every = {*self._of_file, *(word for word, _ in self._on_lines)}

    def _add(
        self, directive: Directive, position: int, word: str, ends: Mapping[Line, int]
    ) -> None:
        line = directive.applies_to if directive.alone else directive.span.line
        if line is None:
            return
        cell = directive.span.cell
        self._on_lines.setdefault((word, cell), []).append((line, position))
        for inside in range(line, ends.get((cell, line), line - 1) + 1):
            self._around.setdefault((cell, inside), []).append((position, word))

    def first(self, finding: Finding) -> int | None:
        """The position of the first directive that covers a finding."""
        return min(self._covering(finding), default=None)

    def _covering(self, finding: Finding) -> Iterator[int]:
        words = self._meaning(finding)
        yield from (self._of_file[word] for word in words if word in self._of_file)
        for span in self._places(finding):
            for word in words:
                lines = self._on_lines.get((word, span.cell), [])
                at = bisect_left(lines, (span.line, -1))
                if at < len(lines) and lines[at][0] <= span.end_line:
                    yield lines[at][1]
            around = self._around.get((span.cell, span.line), ())
            yield from (position for position, word in around if word in words)

    def _places(self, finding: Finding) -> Iterator[Span]:
        """The places of a finding that are in this file."""
        places = (finding.span._replace(path=""), *(span for span, _label in finding.also))
        return (span for span in places if (span.path or finding.path) == self._path)

    def _meaning(self, finding: Finding) -> tuple[str, ...]:
        """The words that mean a finding, of all that the directives have."""
        key = (finding.code, finding.name, finding.key)
        if key not in self._words:
            self._words[key] = tuple(
                word for word in self._every if word == EVERY or means(word, *key)
            )
        return self._words[key]


def _ends(recipes: tuple[Recipe, ...]) -> dict[Line, int]:
    """The last line of what begins on a line, if a call does."""
    ends: dict[Line, int] = {}
    for call in {block.span for recipe in recipes if recipe.callee for block in recipe.blocks}:
        place = (call.cell, call.line)
        ends[place] = max(ends.get(place, 0), call.end_line)
    return ends


def judged(directive: Directive, rules: Mapping[str, Rule], is_wanted: IsWanted) -> bool:
    """Whether a suppression can be called unused: every rule and key that it names was checked."""
    return directive.kind in ("ignore", "ignore-file") and all(
        any(_checks(rule, selector, is_wanted) for rule in rules.values())
        for selector in directive.rules
    )


def _checks(rule: Rule, selector: str, is_wanted: IsWanted) -> bool:
    """Whether a rule that ran reports what a selector means."""
    key = selector.partition(":")[2]
    return means(rule_part(selector), rule.code, rule.name) and is_wanted(rule.code, rule.name, key)
