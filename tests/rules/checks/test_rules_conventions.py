"""A rule that rests on a convention says so in what it tells."""

from __future__ import annotations

import pytest

from lora_rules.engine.registry import all_rules
from pages import Example, examples, lint

CONVENTIONS = [code for code, rule in all_rules().items() if rule.tier == "F"]


def test_there_are_such_rules() -> None:
    assert {"LL201", "LL208", "LL301"} <= set(CONVENTIONS)


@pytest.mark.parametrize(
    "example",
    [each for each in examples("Bad") if each.rule.code in CONVENTIONS],
    ids=lambda example: example.id,
)
def test_the_message_calls_it_a_convention(example: Example) -> None:
    told = [f for f in lint(example.without_marks, example.language) if f.code in CONVENTIONS]
    assert told
    for finding in told:
        assert "convention" in finding.message
