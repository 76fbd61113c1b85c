"""The examples in a rule's page, run: what is marked is found, what is good yields nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.source import Source
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.rule import Rule

SECTIONS = (
    "What it checks",
    "Why it matters",
    "Bad",
    "Good",
    "When to ignore it",
    "Options",
)
ENDINGS = {"python": "py", "yaml": "yaml", "json": "json", "toml": "toml", "shell": "sh"}
FENCE = lazily(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Outcome(NamedTuple):
    """What came of one rule's page."""

    rule: Rule
    bad: int
    good: int
    problems: tuple[str, ...]
    """What is wrong with it, a sentence each."""


def run(rule: Rule, codes: frozenset[str]) -> Outcome:
    """Run the examples of a rule.

    Args:
        rule: the rule.
        codes: the rules whose findings count; what others say of the examples does not.
    """
    below = sections(rule.page)
    bad = FENCE.findall(below.get("Bad", ""))
    good = FENCE.findall(below.get("Good", ""))
    problems = [*_shape(rule, below)]
    for number, (language, text) in enumerate(bad, 1):
        problems += (f"Bad {number}: {text}" for text in _bad(language, text, codes))
    for number, (language, text) in enumerate(good, 1):
        found = _found(language, text, codes)
        problems += (f"Good {number}: line {line}: {code} speaks" for line, code, _ in found)
    return Outcome(rule, len(bad), len(good), tuple(problems))


def sections(page: str) -> dict[str, str]:
    """The text below each heading of a page."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _shape(rule: Rule, below: Mapping[str, str]) -> Iterator[str]:
    if tuple(below) != SECTIONS:
        yield f"its sections are {', '.join(below)}; they have to be {', '.join(SECTIONS)}"
    for name in ("Bad", "Good"):
        if not FENCE.search(below.get(name, "")):
            yield f"{name} holds no example"
    for option in rule.options:
        if f"`{option}`" not in below.get("Options", ""):
            yield f"Options does not tell of {option}"


def _bad(language: str, text: str, codes: frozenset[str]) -> Iterator[str]:
    mark = re.compile(rf"\s*#\s*({'|'.join(sorted(codes))})(?::\s*(.*?))?\s*$")
    lines = text.splitlines()
    marked = [(at, match) for at, line in enumerate(lines, 1) if (match := mark.search(line))]
    wanted = [(at, match[1]) for at, match in marked]
    bare = "".join(f"{mark.sub('', line)}\n" for line in lines)
    found = _found(language, bare, codes)
    if not wanted:
        yield "no line is marked with the code that is expected there"
    if wanted != [(line, code) for line, code, _ in found]:
        told = ", ".join(f"{code} on line {line}" for line, code, _ in found) or "nothing"
        asked = ", ".join(f"{code} on line {line}" for line, code in wanted) or "nothing"
        yield f"{asked} is marked, {told} is found"
        return
    for (line, _, underlined), (_, match) in zip(found, marked, strict=True):
        if match[2] and match[2] != underlined:
            yield f"line {line}: {match[2]!r} is marked, {underlined!r} is underlined"


def _found(language: str, text: str, codes: frozenset[str]) -> list[tuple[int, str, str]]:
    """The line, code and underlined text of every finding that counts."""
    if language not in ENDINGS:
        return []
    source = Source(f"example.{ENDINGS[language]}", language, text.encode())
    report = check(source, Config(), {})
    lines = text.splitlines()
    found = []
    for finding in report.findings:
        if finding.code in codes and finding.certain and finding.suppressed is None:
            span, line = finding.span, lines[finding.span.line - 1]
            end = span.end_column - 1 if span.end_line == span.line else len(line)
            found.append((span.line, finding.code, line[span.column - 1 : end]))
    return found
