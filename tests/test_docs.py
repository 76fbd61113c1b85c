"""The documentation says what the program does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import official_recipes
from conftest import ROOT
from lora_lint.engine.config import KEYS
from lora_lint.translate import framework as dialect

sys.path.insert(0, str(ROOT / "tools"))
import build_docs
import docs_framework_pages
import docs_rules
import fire_rates


def test_no_generated_page_is_out_of_date() -> None:
    assert build_docs.stale() == [], "run: make generate"


def test_every_framework_has_a_page_of_what_is_known_of_it() -> None:
    pages = dict(docs_framework_pages.framework_pages())
    assert {name.removesuffix(".md") for name in pages} == set(dialect.names()) - {"generic"}
    text = pages["llamafactory.md"]
    parts = ("How it is known", "What is read", "What is refused", "Which values", "By version")
    for part in parts:
        assert f"## {part}" in text
    assert "| `new_special_tokens` | 0.9.3 | Write add_special_tokens. |" in text
    assert "| `lora_alpha` | `lora_alpha` | 2 x `r` |" in text
    assert "`llamafactory/streaming-needs-max-steps`" in text


def test_every_family_of_rules_has_a_title() -> None:
    codes = [path.stem for path in (ROOT / "docs" / "rules").glob("LL*.md")]
    assert {code[:3] for code in codes} <= set(docs_rules.FAMILIES)


@pytest.mark.skipif(bool(official_recipes.mark), reason=official_recipes.summary())
def test_the_fire_rates_are_those_of_today() -> None:
    reports = list(fire_rates.lint_all([str(official_recipes.all_of_them().folder)]))
    counted = fire_rates.counts(reports, sum(report.recipes for report in reports))
    told = json.loads(docs_rules.RATES.read_text())
    assert counted == told, "run `make rates generate`"


def test_every_setting_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    assert [key for key in KEYS if f"`{key}`" not in text] == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "rules" / "LL102" / "index.html").is_file()
