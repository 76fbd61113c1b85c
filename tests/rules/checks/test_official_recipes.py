"""The release gate: what is reported of the sound recipes of three frameworks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import official_recipes
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.discover import load
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules

pytestmark = official_recipes.mark

MOST = 0.02
"""Share of the recipes that a warning rule may speak on, unless its page gives it, and why."""

REFUSED = {
    ("qwen3_30ba3b_ep_lora_4gpu.yaml", "LL014", 48),  # warmup_steps: 0.1
    ("qlora-text.yml", "LL014", 14),  # output_dir without a value, in mistral-medium-3_5
    ("qlora-vision.yml", "LL014", 21),  # the same
    ("14B_to_7B_KD_lora_single_device.yaml", "LL024", 22),  # lora_qwen2_5_7b
}
"""Recipes that axolotl 0.19.0 and torchtune 0.6.1 themselves refuse (asked by
``tools/oracles/axolotl_answers.py``; torchtune has ``lora_qwen2_5_7b_base`` and ``_instruct``)."""


def test_no_error_and_no_warning_above_two_percent_without_a_reason() -> None:
    here = official_recipes.recipes()
    sources = [load(str(path)) for path in here.paths]
    reports = [check(source, Config(), {}) for source in sources if source is not None]
    assert sum(report.recipes for report in reports) == len(here.paths)
    assert not [report.path for report in reports if report.unreadable]
    findings = [finding for report in reports for finding in report.findings if finding.certain]
    errors = {
        (Path(f.path).name, f.code, f.span.line) for f in findings if f.severity is Severity.ERROR
    }
    assert errors == {each for each in REFUSED if any(p.name == each[0] for p in here.paths)}
    warned = Counter({(f.code, f.path) for f in findings if f.severity is Severity.WARNING})
    by_rule = Counter(code for code, _path in warned)
    often = {code: n for code, n in by_rule.items() if n > MOST * official_recipes.ALL}
    for code, count in often.items():
        share = "Of the official recipes "
        if here.complete:
            share += f"{100 * count / len(here.paths):.1f} % are warned"
        assert share in " ".join(all_rules()[code].page.split()), f"{code} has to say why: {share}"
