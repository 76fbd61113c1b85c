"""What each profile changes: rules, severities, limits; and how it is chosen."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from lora_lint.cli.explain import list_rules
from lora_lint.cli.main import main
from lora_lint.engine.check import check
from lora_lint.engine.config import PROFILE_NAMES, Config, ConfigError, from_table
from lora_lint.engine.profiles import PROFILES, graded, is_off
from lora_lint.engine.select import options_for, selected
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity
from lora_rules.engine.registry import all_rules

ADAPTER = "from peft import LoraConfig\n"


def findings(text: str, profile: str, kind: str = "python") -> list[tuple[str, str]]:
    source = Source("train.py" if kind == "python" else "train.yaml", kind, text.encode())
    report = check(source, Config(profile=profile), {})
    return [(found.code, found.severity.word) for found in report.findings if found.certain]


def test_the_names_of_the_settings_are_those_of_the_profiles() -> None:
    assert tuple(PROFILES) == PROFILE_NAMES


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_profile_speaks_of_rules_and_options_that_exist(name: str) -> None:
    profile, rules = PROFILES[name], all_rules()
    for code in (*profile.off, *profile.severities, *profile.options):
        assert code in rules
    for code, options in profile.options.items():
        for option, value in options.items():
            assert type(value) is type(rules[code].options[option])
            assert value != rules[code].options[option]
    for code, severity in profile.severities.items():
        assert severity is not rules[code].severity


def test_the_default_changes_nothing() -> None:
    assert selected(Config(), "a.py") == all_rules()
    assert not any(options_for(rule, Config()) for rule in all_rules().values())


def test_classic_wants_alpha_between_half_and_twice_the_rank() -> None:
    text = ADAPTER + "LoraConfig(r=16, lora_alpha=64)\n"
    assert findings(text, "default") == []
    assert findings(text, "classic") == [("LL102", "warning")]


def test_classic_lets_attention_targets_and_tied_sweeps_be() -> None:
    running = selected(Config(profile="classic"), "a.py")
    assert "LL401" not in running
    assert "LL106" not in running


def test_modern_warns_of_attention_only_and_only_mentions_folklore() -> None:
    running = selected(Config(profile="modern"), "a.py")
    assert running["LL401"].severity is Severity.WARNING
    text = ADAPTER + "LoraConfig(r=4, lora_alpha=8, lora_dropout=0.1)\n"
    assert findings(text, "default") == [("LL301", "warning")]
    assert findings(text, "modern") == [("LL301", "info")]


def test_modern_wants_small_batches() -> None:
    text = """\
model_name_or_path: Qwen/Qwen2.5-7B
stage: sft
finetuning_type: lora
lora_rank: 8
num_train_epochs: 1
per_device_train_batch_size: 8
gradient_accumulation_steps: 8
learning_rate: 2.0e-4
"""
    assert findings(text, "default", "yaml") == []
    assert findings(text, "modern", "yaml") == [("LL804", "warning")]


def test_qlora_does_not_ask_whether_four_bits_are_needed() -> None:
    running = selected(Config(profile="qlora"), "a.py")
    assert "LL506" not in running
    assert running["LL503"].severity is Severity.WARNING


def test_rl_takes_high_rates_and_ranks_more_seriously() -> None:
    text = """\
from peft import LoraConfig
from trl import DPOConfig
LoraConfig(r=16, lora_alpha=32)
DPOConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048)
"""
    assert findings(text, "default") == [("LL803", "info")]
    assert findings(text, "rl") == [("LL803", "warning")]
    assert options_for(all_rules()["LL206"], Config(profile="rl")) == {"max_rank": 32}


def test_ci_runs_no_rule_below_a_warning_and_none_on_convention() -> None:
    running = selected(Config(profile="ci"), "a.py")
    assert running
    for rule in running.values():
        assert rule.severity >= Severity.WARNING
        assert rule.tier <= "C"
    assert "LL301" not in running  # the brief's rule rests on a convention, and says so


def test_a_rule_that_is_off_runs_when_it_is_selected_by_name() -> None:
    for selector in ("LL401", "LL4", "attention-only-targets"):
        running = selected(Config(profile="classic", select=("ALL", selector)), "a.py")
        assert "LL401" in running


def test_the_users_options_win_over_the_profiles() -> None:
    config = Config(profile="classic", rules={"LL102": {"max": 8.0}})
    assert options_for(all_rules()["LL102"], config) == {"min": 0.5, "max": 8.0}


def test_settings_choose_a_profile_and_refuse_one_that_does_not_exist() -> None:
    assert from_table({"profile": "modern"}, "/repo/lora-lint.toml").profile == "modern"
    with pytest.raises(ConfigError, match="profile must be one of default, classic"):
        from_table({"profile": "moderne"}, "/repo/lora-lint.toml")


def test_the_command_line_wins_over_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lora-lint.toml").write_text('profile = "classic"\n')
    script = tmp_path / "train.py"
    script.write_text(ADAPTER + "LoraConfig(r=16, lora_alpha=64)\n")
    assert main(["--no-cache", str(script)]) == 1
    assert "LL102" in capsys.readouterr().out
    assert main(["--no-cache", "--profile", "default", str(script)]) == 0


def test_rules_lists_a_profile_with_what_it_changes() -> None:
    stream = io.StringIO()
    assert list_rules("text", stream, profile="classic") == 0
    told = stream.getvalue()
    table, _, changed = told.partition("\nclassic: ")
    assert "LL401" not in table
    assert "off: LL106, LL401" in changed
    assert "LL208 rank-outside-task-band: warning, not info" in changed
    assert "LL102 alpha-rank-ratio-out-of-range: max = 2.0, not 4.0" in changed


def test_rules_as_json_has_the_severities_of_the_profile() -> None:
    import json

    stream = io.StringIO()
    list_rules("json", stream, profile="modern")
    severities = {rule["code"]: rule["severity"] for rule in json.loads(stream.getvalue())["rules"]}
    assert severities["LL401"] == "warning"
    assert "LL208" not in severities


def test_every_profile_is_described_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["rules", "--help"])
    told = capsys.readouterr().out
    for name, profile in PROFILES.items():
        assert name in told
        assert profile.about in told


def test_grading_keeps_what_a_rule_says_of_itself() -> None:
    rule = all_rules()["LL401"]
    assert graded(rule, PROFILES["modern"]).check is rule.check
    assert not is_off(rule, PROFILES["modern"])
