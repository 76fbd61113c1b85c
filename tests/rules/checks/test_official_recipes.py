"""The release gate: what 309 sound recipes of three frameworks are told."""

from __future__ import annotations

from collections import Counter

import pytest

from conftest import SHARED
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.discover import discover, load
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules

RECIPES = SHARED / "data" / "recipes"
pytestmark = pytest.mark.skipif(not RECIPES.exists(), reason="shared/data is not here")

MOST = 0.02
"""Share of the recipes that a warning rule may speak on, unless its page gives it, and why."""


def test_no_error_and_no_warning_above_two_percent_without_a_reason() -> None:
    sources = [load(file.path) for file in discover([str(RECIPES)])]
    reports = [check(source, Config(), {}) for source in sources if source is not None]
    assert sum(report.recipes for report in reports) == 309
    assert not [report.path for report in reports if report.unreadable]
    findings = [finding for report in reports for finding in report.findings if finding.certain]
    assert [f for f in findings if f.severity is Severity.ERROR] == []
    warned = Counter({(f.code, f.path) for f in findings if f.severity is Severity.WARNING})
    by_rule = Counter(code for code, _path in warned)
    often = {code: count for code, count in by_rule.items() if count > MOST * 309}
    for code, count in often.items():
        share = f"Of the official recipes {100 * count / 309:.1f} % are warned"
        assert share in " ".join(all_rules()[code].page.split()), f"{code} has to say why: {share}"
