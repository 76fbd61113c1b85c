"""Every claim of every page is there, in the page's words, with something that shows it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from lora_lint.engine.rule_examples import sections
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule

sys.path.append(str(ROOT / "tools"))
from claims import PAGE, ClaimError, claims, complaints, page


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_the_claims_of_a_page_hold(rule: Rule) -> None:
    assert list(complaints(rule)) == []


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_page_is_read_in_half_a_minute(rule: Rule) -> None:
    """The trigger in one sentence, the rest as a list; 160 words up to the examples."""
    checks = sections(rule.page)["What it checks"].strip()
    trigger = checks.partition("\n\n")[0]
    assert len(trigger.split()) <= 45
    assert not re.search(r"[.!?]\s+[A-Z`]", trigger), "more than one sentence before the list"
    assert len(f"{checks} {sections(rule.page)['Why it matters']}".split()) <= 160
    for words in ("left alone", "only mentioned", "to tell"):
        assert words not in rule.page


def test_the_table_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generate`"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "a list of claims is expected"),
        ("- {verdict: right, claim: a}", "exactly one of `source`, `test` and `script`"),
        ("- {verdict: right, claim: a, source: b}", "`says` and `at` belong together"),
        ("- {verdict: right, claim: a, test: b, was: c, why: d}", "`was` and `why` belong to"),
        ("- {verdict: repaired, claim: a, test: b}", "`was` and `why` belong to"),
        ("- {verdict: removed, claim: a, was: b, why: c}", "of a removed one nothing"),
        ("- {verdict: rihgt}", "Input should be 'right'"),
        ("- {verdict: right, claim: a, tset: b}", "tset Extra inputs"),
    ],
)
def test_a_claim_that_lacks_something_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "LL102.yaml"
    path.write_text(text)
    with pytest.raises(ClaimError, match=r"LL102\.yaml") as raised:
        claims(path)
    assert complaint in str(raised.value)
