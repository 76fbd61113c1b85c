"""Settings files: found, read, refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_lint.engine.config import Config, ConfigError, for_folder, from_table, load, matches
from lora_lint.engine.select import check_selectors, is_match, options_for, selected
from lora_rules.engine.registry import all_rules


def test_the_nearest_file_wins_and_nothing_is_merged(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.lora-lint]\nignore = ["LL301"]\ngpu = "T4"\n')
    inner = tmp_path / "configs"
    inner.mkdir()
    (inner / "lora-lint.toml").write_text('fail-on = "error"\n')
    assert for_folder(str(inner)).fail_on == "error"
    assert for_folder(str(inner)).ignore == ()
    deeper = inner / "a" / "b"
    assert for_folder(str(deeper)).origin.endswith("lora-lint.toml")
    assert for_folder(str(tmp_path)).declared == {"gpu": "T4"}


def test_a_pyproject_without_our_table_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "lora-lint.toml").write_text("pedantic = true\n")
    inner = tmp_path / "package"
    inner.mkdir()
    (inner / "pyproject.toml").write_text('[project]\ndependencies = ["lora-lint"]\n')
    assert for_folder(str(inner)).pedantic


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("selct = ['LL1']", "unknown key 'selct'; did you mean 'select'?"),
        ("select = 'LL1'", "select must be a list of texts"),
        ("fail-on = 'never'", "fail-on must be one of info, warning, error"),
        ("force-exclude = 1", "force-exclude must be true or false"),
        ("train-rows = 0", "train-rows must be a whole number of at least 1"),
        ("train-rows = true", "train-rows must be a whole number of at least 1"),
        ("gpu = 24", "gpu must be a text"),
        ("per-file-ignores = {'*.py' = 'LL1'}", "per-file-ignores must be a table"),
        ("rules = 3", "rules must be a table"),
        ("rules = {LL102 = 3}", "rules.LL102 must be a table of options"),
        ("dialect = 3", "dialect must be a dialect's name"),
        ("select = [", "is not valid TOML"),
    ],
)
def test_a_broken_setting_is_told_with_its_file(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "lora-lint.toml"
    path.write_text(text + "\n")
    with pytest.raises(ConfigError) as refused:
        load(str(path))
    assert str(refused.value).startswith(f"{path}: ")
    assert told in str(refused.value)


def test_selectors_are_codes_prefixes_names_and_all() -> None:
    rule = all_rules()["LL102"]
    for selector in ("ALL", "LL", "LL1", "LL102", "alpha-rank-ratio-out-of-range"):
        assert is_match(rule, selector)
    assert not is_match(rule, "LL2")
    assert not is_match(rule, "alpha-rank")


def test_select_ignore_and_per_file_ignores() -> None:
    config = from_table(
        {"select": ["LL1", "LL301"], "ignore": ["LL101"], "per-file-ignores": {"*.py": ["LL301"]}},
        "/repo/lora-lint.toml",
    )
    scaling = [code for code in all_rules() if code.startswith("LL1") and code != "LL101"]
    assert "LL102" in scaling
    assert list(selected(config, "/repo/a.yaml")) == [*scaling, "LL301"]
    assert list(selected(config, "/repo/a.py")) == scaling


def test_a_mistyped_rule_is_an_error_in_select_and_a_warning_in_ignore() -> None:
    with pytest.raises(ConfigError, match="no rule is called 'LL102x'; did you mean 'LL102'"):
        check_selectors(Config(select=("LL102x",)))
    assert check_selectors(Config(ignore=("dropout-at-tiny-ranks",))) == [
        "ignore: no rule is called 'dropout-at-tiny-ranks'; did you mean 'dropout-at-tiny-rank'?"
    ]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"LL102": {"minimum": 1}}, "no option 'minimum' (it has: max, min)"),
        ({"LL102": {"min": "low"}}, "rules.LL102.min must be a float"),
        ({"LL102": {"min": True}}, "rules.LL102.min must be a float"),
        ({"LL001": {"allow": "x"}}, "rules.LL001.allow must be a list of texts"),
        ({"LL777": {"min": 1}}, "no rule is called 'LL777'"),
    ],
)
def test_a_rules_option_is_checked(rules: dict[str, dict[str, object]], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_selectors(Config(rules=rules))
    assert told in str(refused.value)


def test_options_are_found_under_the_code_and_under_the_name() -> None:
    rule = all_rules()["LL102"]
    config = from_table(
        {"rules": {"alpha-rank-ratio-out-of-range": {"min": 0.5}}}, "lora-lint.toml"
    )
    assert options_for(rule, config) == {"min": 0.5}


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("configs/a.yaml", "configs", True),
        ("configs/a.yaml", "configs/", True),
        ("configs/a.yaml", "*.yaml", True),
        ("configs/a.yaml", "configs/*.yaml", True),
        ("x/build/a.yaml", "build", True),
        ("x/build/a.yaml", "**/build/*", True),
        ("configs/a.yaml", "config", False),
        ("configs/a.yaml", "other/*.yaml", False),
    ],
)
def test_patterns(tmp_path: Path, path: str, pattern: str, fits: bool) -> None:
    assert matches(str(tmp_path / path), pattern, str(tmp_path)) is fits
