from __future__ import annotations

import io
import json

import pytest

from lora_lint.cli.explain import explain, list_rules
from report_samples import RATIO, golden
from report_strategies import Terminal


def listed(form: str) -> str:
    stream = io.StringIO()
    assert list_rules(form, stream, (RATIO,)) == 0
    return stream.getvalue()


@pytest.mark.parametrize(
    "name", ["LL102", "ll102", "alpha-rank-ratio-out-of-range", "alpha_rank_ratio_out_of_range"]
)
def test_a_rule_is_found_by_code_or_name(name):
    stream = io.StringIO()
    assert explain(name, stream, (RATIO,)) == 0
    golden("explain.md", stream.getvalue())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("LL120", "did you mean LL102 (alpha-rank-ratio-out-of-range)?"),
        ("alpha-rank-ratio", "did you mean LL102"),
        ("zzz", "`lora-lint rules` lists them all"),
    ],
)
def test_an_unknown_rule_gets_a_suggestion(name, told, capsys):
    stream = io.StringIO()
    assert explain(name, stream, (RATIO,)) == 2
    assert told in capsys.readouterr().err
    assert stream.getvalue() == ""


def test_a_terminal_gets_it_rendered(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    explain("LL102", stream, (RATIO,))
    assert "\x1b[" in stream.getvalue()
    assert "## What" not in stream.getvalue()


def test_the_list_of_rules():
    assert listed("text") == (
        "LL102  alpha-rank-ratio-out-of-range  warning  "
        "The adapter's scale is far outside what any recipe that works uses.\n"
    )
    assert listed("markdown").splitlines()[2].startswith("| LL102 | `alpha-rank-ratio-out-of")
    read = json.loads(listed("json"))
    assert read["version"] == 1
    assert read["rules"][0]["options"] == {"low": 0.25, "high": 4.0}


def test_the_real_rules_have_pages():
    from lora_rules.engine.registry import all_rules

    for code in all_rules():
        assert explain(code, io.StringIO()) == 0
