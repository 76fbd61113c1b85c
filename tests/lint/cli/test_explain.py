from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from lora_lint.cli.explain import explain, list_rules
from lora_lint.cli.main import main
from lora_lint.engine import select
from lora_rules.engine import unindexed
from lora_rules.engine.registry import all_rules
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


def test_a_rule_that_is_not_in_the_index_yet_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    """Somebody wrote LL102's file, so to say, and did not rebuild the index."""
    monkeypatch.setattr(unindexed, "_INDEXED", unindexed._INDEXED - {"LL102"})
    said = (
        "LL102 alpha-rank-ratio-out-of-range in checks/adapter/"
        "ll102_alpha_rank_ratio_out_of_range.py is not in the index: run make generate"
    )
    others = [rule for rule in all_rules().values() if rule.code != "LL102"]
    assert explain("ll102", io.StringIO(), others) == 2
    assert f"no rule is called ll102; {said}" in capsys.readouterr().err
    assert main(["rules"]) == 0
    assert f"warning: {said}" in capsys.readouterr().err
    (tmp_path / "a.yaml").write_text("a: 1\n")
    main(["--verbose", str(tmp_path)])
    assert f"warning: {said}" in capsys.readouterr().out
    monkeypatch.setattr(select, "all_rules", lambda: {rule.code: rule for rule in others})
    assert main(["--select", "LL102", str(tmp_path)]) == 2
    assert f"no rule is called 'LL102': {said}" in capsys.readouterr().err
