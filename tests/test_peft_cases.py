"""What real PEFT did with 122 configurations, against what the linter says of them.

The cases that one configuration decides, without the model or the rest of a script.
"""

from __future__ import annotations

import pytest

from lora_lint.config import Config
from lora_rules.rule import Severity
from pages import lint
from peft_cases import CASES, Case, as_python, as_yaml, cases

pytestmark = pytest.mark.skipif(not CASES.exists(), reason="shared/data is not here")

EVERYTHING = Config(min_severity="info")


def agrees(case: Case, text: str, language: str) -> bool:
    found = lint(text, language, EVERYTHING)
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    return {
        "error": bool(errors),
        "finding": bool(found),
        "no error": not errors,
        "anything": True,
    }[case.demands]


@pytest.mark.parametrize("language", ["python", "yaml"])
def test_agreement_on_the_cases_that_a_configuration_decides(language: str) -> None:
    render = {"python": as_python, "yaml": as_yaml}[language]
    chosen = [case for case in cases() if case.decidable == "config"]
    missed = [case.id for case in chosen if not agrees(case, render(case), language)]
    print(f"{language}: {len(chosen) - len(missed)} of {len(chosen)} agree; missed: {missed}")
    assert len(chosen) == 122
    assert missed == KNOWN_MISSES[language]


def test_no_error_where_peft_is_content_and_nothing_is_lost() -> None:
    for case in cases():
        if case.demands == "no error":
            assert agrees(case, as_python(case), "python"), case.id
            assert agrees(case, as_yaml(case), "yaml"), case.id


BD_LORA_AND_DIMENSIONS = ["c035", "c281"]
"""BD-LoRA over GPT-2's Conv1D, and with 3 blocks over 64 features: both need the model."""
KNOWN_MISSES = {"python": BD_LORA_AND_DIMENSIONS, "yaml": BD_LORA_AND_DIMENSIONS}
