"""Which finding a comment covers: the index answers as the definition does, and in linear work."""

from __future__ import annotations

import sys
from types import FrameType

from hypothesis import given
from hypothesis import strategies as st

from lora_lint.engine.finding import Finding
from lora_lint.engine.selector import means
from lora_lint.engine.suppress import apply
from lora_lint.read.directives import Directive, Kind
from lora_rules.engine.problem import Severity
from lora_rules.recipe import Block, Recipe, Span

CODES = (("LL101", "zero-alpha", ""), ("LL012", "refused", "axolotl/a"), ("LL201", "rank", ""))
WORDS = ("LL", "LL1", "LL101", "refused", "LL012:axolotl", "LL012:trl/b", "rank")
LINES = st.integers(1, 6)
CELLS = st.sampled_from((None, None, 1))


def span(line: int, lines: int = 0, cell: int | None = None) -> Span:
    return Span(line, 1, line + lines, 9, cell)


SPANS = st.builds(span, LINES, st.integers(0, 3), CELLS)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    code, name, key = draw(st.sampled_from(CODES))
    also = tuple((each, "") for each in draw(st.lists(SPANS, max_size=2)))
    return Finding("x.py", code, name, Severity.ERROR, "", draw(SPANS), also=also, key=key)


@st.composite
def directives(draw: st.DrawFn) -> list[Directive]:
    kinds: tuple[Kind, ...] = ("ignore", "ignore", "ignore-file", "declare")
    made = []
    for line in sorted(draw(st.lists(LINES, max_size=4))):
        alone = draw(st.booleans())
        made.append(
            Directive(
                draw(st.sampled_from(kinds)),
                span(line, cell=draw(CELLS)),
                tuple(draw(st.lists(st.sampled_from(WORDS), max_size=2))),
                applies_to=draw(st.sampled_from((line + 1, None))) if alone else line,
                alone=alone,
            )
        )
    return made


def covers(directive: Directive, finding: Finding, calls: list[Span]) -> bool:
    """The definition."""
    about = (finding.code, finding.name, finding.key)
    if directive.rules and not any(means(word, *about) for word in directive.rules):
        return False
    line = directive.applies_to if directive.alone else directive.span.line
    places = (finding.span, *(each for each, _ in finding.also))
    here = [each for each in places if each.cell == directive.span.cell]
    return directive.kind == "ignore-file" or (
        directive.kind == "ignore"
        and line is not None
        and any(
            each.line <= line <= each.end_line
            or any(
                call.cell == each.cell and call.line == line <= each.line <= call.end_line
                for call in calls
            )
            for each in here
        )
    )


def recipe(calls: list[Span]) -> Recipe:
    blocks = tuple(Block("peft.LoraConfig", each) for each in calls)
    return Recipe("x.py", "python", "peft", span(1), blocks=blocks, callee="peft.LoraConfig")


@given(st.lists(findings(), max_size=5), directives(), st.lists(SPANS, max_size=3))
def test_a_finding_is_suppressed_by_a_comment_that_covers_it(
    found: list[Finding], comments: list[Directive], calls: list[Span]
) -> None:
    marked, used = apply(found, tuple(comments), (recipe(calls),), "x.py")
    covering = [
        {at for at, each in enumerate(comments) if covers(each, finding, calls)}
        for finding in found
    ]
    assert [finding.suppressed is not None for finding in marked] == [*map(bool, covering)]
    assert used <= set().union(*covering)
    assert all(used & each for each in covering if each)


def calls_made(number: int) -> int:
    """How many functions are called for as many findings, comments and calls."""
    found = [
        Finding("x.py", "LL101", "zero-alpha", Severity.ERROR, "", span(line))
        for line in range(number)
    ]
    others = [Directive("ignore", span(0), ("LL2",), applies_to=0)] * number
    own = [Directive("ignore", span(line), ("LL101",), applies_to=line) for line in range(number)]
    recipes = (recipe([span(line) for line in range(number)]),)
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        marked, used = apply(found, (*others, *own), recipes, "x.py")
    finally:
        sys.setprofile(before)
    assert len(used) == len(marked) == number
    return count


def test_twice_the_comments_and_findings_are_twice_the_work() -> None:
    one, two, four = map(calls_made, (100, 200, 400))
    assert four - two <= 2.1 * (two - one)
