"""Every rule's page is complete, and its examples do what they say."""

from __future__ import annotations

import pytest

from lora_lint.engine.finding import Finding
from lora_lint.engine.rule_examples import FENCE, SECTIONS, sections
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from pages import Example, examples, lint


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_page_has_its_sections_in_order(rule: Rule) -> None:
    assert tuple(sections(rule.page)) == SECTIONS
    assert rule.summary.endswith(".")
    assert len(rule.summary) <= 100


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_page_shows_what_is_bad_and_what_is_good(rule: Rule) -> None:
    """Where the mistake is in the data beside a file, no page can show it, and says so."""
    bad, good = sections(rule.page)["Bad"], sections(rule.page)["Good"]
    assert FENCE.search(bad) or bad.strip().startswith("The tests run this rule on"), "no example"
    assert FENCE.search(good), "no example"


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_page_documents_every_option_with_its_default(rule: Rule) -> None:
    text = sections(rule.page)["Options"]
    for option, default in rule.options.items():
        assert f"`{option}`" in text
        shown = "none" if default == () else f"{default}"
        assert f"({shown})" in text
    assert rule.options or text.strip() == "None."


def test_codes_and_names_are_well_formed_and_unique() -> None:
    names = [rule.name for rule in all_rules().values()]
    assert len(names) == len(set(names))
    for rule in all_rules().values():
        assert rule.code[:2] == "LL"
        assert len(rule.code) == 5
        assert rule.evidence


def underlined(finding: Finding, text: str) -> str:
    line = text.splitlines()[finding.span.line - 1]
    last = finding.span.end_column if finding.span.end_line == finding.span.line else len(line) + 1
    return line[finding.span.column - 1 : last - 1]


@pytest.mark.parametrize("example", examples("Bad"), ids=lambda example: example.id)
def test_a_bad_example_yields_exactly_its_rule_at_the_mark(example: Example) -> None:
    text = example.without_marks
    found = lint(text, example.language)
    assert [(f.span.line, f.code) for f in found] == [mark[:2] for mark in example.marks]
    for finding, (_line, _code, marked) in zip(found, example.marks, strict=True):
        assert marked in ("", underlined(finding, text))


@pytest.mark.parametrize("example", examples("Good"), ids=lambda example: example.id)
def test_a_good_example_yields_nothing(example: Example) -> None:
    assert lint(example.text, example.language) == []
