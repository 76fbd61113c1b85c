"""What a report without findings says of the rules that could not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine.coverage import KINDS, coverage, kind_of
from lora_lint.engine.finding import FileReport, NotChecked
from lora_rules.engine import facts, lacking, registry
from lora_rules.engine.budgets import RECIPES
from lora_rules.recipe import Origin, Recipe, Setting, Span

PLAIN = "from peft import LoraConfig\n\nc = LoraConfig(r=16, lora_alpha=32)\n"
YAML = """\
base_model: meta-llama/Llama-3.1-8B
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(*not_run: tuple[str, str], rules: int = 100) -> FileReport:
    notes = tuple(NotChecked("", code, kind) for code, kind in not_run)
    return FileReport("a.yaml", recipes=1, rules=rules, not_checked=notes)


def test_rules_are_counted_once_over_all_files() -> None:
    first = report(("LL401", "model"), ("LL402", "model"), ("LL601", "gpu"))
    found = coverage([first, report(("LL401", "gpu"), ("LL701", "value"), rules=90)])
    assert (found.rules, found.not_run) == (100, 4)
    assert found.kinds == (("model", 2), ("gpu", 1), ("value", 1))
    assert found.reason == "the base model is unknown"


def test_what_is_no_rule_and_what_missed_no_answer_does_not_count() -> None:
    assert coverage([report(("", "model"), ("LL101", ""))]).not_run == 0
    assert coverage([]).reason == ""


def test_every_fact_has_a_kind_of_reason() -> None:
    assert {kind_of(name) for name in facts.FACTS} <= set(KINDS)
    assert kind_of("lora_alpha") == "value"
    assert kind_of("architecture") == kind_of("model_name_or_path") == "model"


def test_text_says_how_many_and_why(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.py").write_text(PLAIN)
    assert main(["a.py"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "All clear, as far as could be checked: 1 recipe, 1 file looked at."
    assert " rules could not run (" in second
    assert second.endswith(" because the base model is unknown); -v lists them.")


def test_verbose_lists_all_of_them(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.py").write_text(PLAIN)
    main(["a.py", "--format", "json"])
    listed = {each["code"] for each in json.loads(capsys.readouterr().out)["files"][0]["not_run"]}
    main(["-v", "a.py"])
    told = capsys.readouterr().out
    assert len(listed) > 20
    assert not [code for code in listed if code not in told]


@pytest.mark.parametrize("arguments", [["a.py"], ["a.py", "b.py"], ["-j", "1", "."]])
def test_several_recipes(here: Path, capsys: pytest.CaptureFixture, arguments: list[str]) -> None:
    (here / "a.py").write_text(PLAIN)
    (here / "b.py").write_text(PLAIN)
    main(arguments)
    told = capsys.readouterr().out
    assert ("could not run on every recipe (" in told) == (arguments != ["a.py"])


def test_json_says_it_as_well(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.py").write_text(PLAIN)
    main(["--format", "json", "a.py"])
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["rules"] > summary["rules_not_run"] == sum(summary["not_run_because"].values())
    assert max(summary["not_run_because"], key=summary["not_run_because"].get) == "model"


def test_the_hook_says_it_as_well(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.py").write_text(PLAIN)
    assert main(["--force-exclude", "a.py"]) == 0
    assert "as far as could be checked" in capsys.readouterr().out


def test_all_clear_stands_alone_where_every_rule_could_run(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "a.yaml").write_text(YAML)
    assert main(["--gpu", "A100 80GB", "--select", "LL101,LL102,LL402,LL601", "a.yaml"]) == 0
    assert capsys.readouterr().out == "All clear: 1 recipe, 1 file looked at.\n"
    assert main(["--select", "LL101,LL402,LL601", "a.yaml"]) == 0
    assert "1 of 3 rules could not run (because no GPU is declared)" in capsys.readouterr().out


def test_it_is_the_same_from_the_cache_and_after_the_gpu_is_declared(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "a.yaml").write_text(YAML)
    (here / "b.yaml").write_text(YAML)
    main(["."])
    before = capsys.readouterr().out
    main(["."])
    assert capsys.readouterr().out == before
    main(["--gpu", "T4", "."])
    assert "no GPU" not in capsys.readouterr().out


def recipe(**settings: object) -> Recipe:
    given = {
        name: Setting(name, (value,), Origin.WRITTEN, name) for name, value in settings.items()
    }
    return Recipe("a.yaml", "yaml", "axolotl", Span(1, 1, 1, 2), given)


def test_a_rule_whose_subject_is_absent_lacks_nothing() -> None:
    def about_a_gpu(gpu: str, lora_alpha: float) -> None: ...

    def about_a_model(architecture: object, *, most: int = 1) -> None: ...

    def with_a_default(lora_alpha: float, gpu: str = "T4") -> None: ...

    def about_the_data(training_steps: object) -> None: ...

    assert lacking.lacking(about_a_gpu, recipe(lora_alpha=16)) == "gpu"
    assert lacking.lacking(about_a_gpu, recipe()) == ""
    assert lacking.lacking(about_a_gpu, recipe(gpu="T4", lora_alpha=16)) == ""
    assert lacking.lacking(about_a_model, recipe()) == "model_name_or_path"
    assert lacking.lacking(with_a_default, recipe(lora_alpha=16)) == ""
    assert lacking.lacking(about_the_data, recipe()) == "train_rows"
    assert lacking.lacking(about_the_data, recipe(max_steps=5)) == ""


def test_of_our_own_rules_some_need_each_of_them() -> None:
    checks = [rule.check for rule in registry.all_rules().values()]
    found = {lacking.lacking(check, recipe()) for check in checks}
    assert found >= {"", "gpu", "model_name_or_path", "train_rows"}


def test_what_was_not_looked_at_is_said_where_nothing_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script has one configuration more than are read; the last is the only wrong one."""
    monkeypatch.chdir(tmp_path)
    sound = 'LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")\n'
    text = "from peft import LoraConfig\n" + sound * RECIPES + "LoraConfig(r=8, lora_alpha=0)\n"
    (tmp_path / "many.py").write_text(text)
    assert main(["--no-cache", "many.py"]) == 0
    out = capsys.readouterr().out
    assert "All clear, as far as could be checked" in out
    assert "Parts of 1 file were not looked at; -v says which, and why." in out
    assert main(["--no-cache", "--format", "json", "many.py"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["files_read_in_part"] == 1
