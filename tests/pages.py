"""The examples in the rules' own pages, as data for tests."""

from __future__ import annotations

import re
from typing import NamedTuple

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import Finding
from lora_lint.engine.rule_examples import ENDINGS, FENCE, sections
from lora_lint.sources.source import Source
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule

MARK = re.compile(r"#\s*(LL\w\d\d)(?::\s*(.*?))?\s*$")


class Example(NamedTuple):
    """A fenced block of a page."""

    rule: Rule
    section: str
    language: str
    text: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.rule.code}-{self.section.lower()}-{self.number}-{self.language}"

    @property
    def marks(self) -> list[tuple[int, str, str]]:
        """The line, the code and the underlined text of every mark."""
        found = []
        for number, line in enumerate(self.text.splitlines(), start=1):
            mark = MARK.search(line)
            if mark:
                found.append((number, mark[1], mark[2] or ""))
        return found

    @property
    def without_marks(self) -> str:
        return "".join(MARK.sub("", line).rstrip() + "\n" for line in self.text.splitlines())


def examples(section: str) -> list[Example]:
    found = []
    for rule in all_rules().values():
        text = sections(rule.page).get(section, "")
        for number, (language, code) in enumerate(FENCE.findall(text), start=1):
            found.append(Example(rule, section, language, code, number))
    return found


def lint(text: str, language: str, config: Config | None = None) -> list[Finding]:
    """Every finding of a text, certain and not suppressed."""
    source = Source(f"example.{ENDINGS[language]}", language, text.encode())
    report = check(source, config or Config(), {})
    assert report.unreadable is None, report.unreadable
    return [f for f in report.findings if f.suppressed is None and f.certain]
