"""``LL012:axolotl/…`` wherever a code can stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.selector import means
from lora_lint.sources.source import Source

RECIPE = """\
base_model: my-company/base-7B
datasets: [{path: data.jsonl}]
adapter: qlora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
learning_rate: 2.0e-4
warmup_steps: 10
warmup_ratio: 0.03
"""
FOUR_BITS = "LL012:axolotl/qlora-needs-load-in-4bit"
WARMUP = "LL012:axolotl/warmup-steps-with-warmup-ratio"
BOTH = [FOUR_BITS, WARMUP]
ONLY = ("LL012", "LL090", "LL091")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(RECIPE)
    return tmp_path


def codes(text: str = RECIPE, **settings: object) -> list[str]:
    """What is reported and not suppressed."""
    config = Config(**{"select": ONLY, **settings})  # type: ignore[arg-type]
    report = check(Source("a.yaml", "yaml", text.encode()), config, {})
    return [each.full_code for each in report.findings if each.suppressed is None]


def lint(*arguments: str) -> int:
    return main(["--no-cache", *arguments])


@pytest.mark.parametrize(
    ("selector", "key", "meant"),
    [
        ("LL012", "axolotl/a-b", True),
        ("LL0", "axolotl/a-b", True),
        ("refused-by-framework", "axolotl/a-b", True),
        ("LL012:axolotl/a-b", "axolotl/a-b", True),
        ("refused-by-framework:axolotl/a-b", "axolotl/a-b", True),
        ("LL012:axolotl", "axolotl/a-b", True),
        ("LL012:axolotl/a", "axolotl/a-b", False),
        ("LL012:axo", "axolotl/a-b", False),
        ("LL0:axolotl/a-b", "axolotl/a-b", False),
        ("LL012:axolotl/a-b", "", False),
        ("LL102", "axolotl/a-b", False),
    ],
)
def test_what_a_selector_means(selector: str, key: str, meant: bool) -> None:
    assert means(selector, "LL012", "refused-by-framework", key) is meant


@pytest.mark.parametrize(
    ("settings", "reported"),
    [
        ({}, BOTH),
        ({"select": (FOUR_BITS,)}, [FOUR_BITS]),
        ({"select": ("LL012:axolotl",)}, BOTH),
        ({"select": ("LL012:llamafactory",)}, []),
        ({"select": (FOUR_BITS, "LL012")}, BOTH),
        ({"select": (FOUR_BITS, "ALL"), "ignore": ("LL4", "LL8")}, BOTH),
        ({"select": ("LL102", WARMUP)}, [WARMUP]),
        ({"ignore": (FOUR_BITS,)}, [WARMUP]),
        ({"ignore": ("refused-by-framework:axolotl/qlora-needs-load-in-4bit",)}, [WARMUP]),
        ({"ignore": ("LL012:axolotl",)}, []),
        ({"select": (FOUR_BITS,), "ignore": (FOUR_BITS,)}, []),
        ({"select": (FOUR_BITS,), "ignore": ("LL012",)}, []),
        ({"per_file_ignores": {"*.yaml": (WARMUP,)}}, [FOUR_BITS]),
        ({"per_file_ignores": {"*.json": (WARMUP,)}}, BOTH),
    ],
)
def test_select_and_ignore(settings: dict[str, object], reported: list[str]) -> None:
    found = [code for code in codes(**settings) if code.startswith("LL012")]
    assert found == reported


def test_a_key_turns_on_a_rule_that_the_profile_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from lora_lint.engine import profiles, select

    off = profiles.PROFILES["ci"]._replace(off=("LL012",))
    monkeypatch.setitem(select.PROFILES, "ci", off)
    assert codes(select=("ALL",), profile="ci", ignore=("LL4", "LL8")) == []
    found = codes(select=("ALL", WARMUP), profile="ci", ignore=("LL4", "LL8"))
    assert found == [WARMUP]


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        (f"ignore-file[{FOUR_BITS}]", [WARMUP]),
        ("ignore-file[LL012:axolotl]", []),
        ("ignore-file[LL012]", []),
        (f"ignore-file[{FOUR_BITS}, {WARMUP}] a fork", []),
        ("ignore-file[LL012:axolotl/relora-with-sharding]", ["LL090", *BOTH]),
        ("ignore-file[LL012:axolotl/qlora-needs-load-in-4bits]", ["LL091", *BOTH]),
        ("ignore-file[LL012:no such]", ["LL091", *BOTH]),
        ("ignore-file LL012:axolotl/qlora-with-gptq", ["LL091", *BOTH]),
    ],
)
def test_a_comment(comment: str, left: list[str]) -> None:
    assert codes(f"# lora-lint: {comment}\n{RECIPE}") == left


def test_a_comment_on_the_line() -> None:
    text = RECIPE.replace("qlora\n", f"qlora  # lora-lint: ignore[{FOUR_BITS}] a fork\n")
    assert codes(text) == [WARMUP]


def message(comment: str) -> str:
    text = f"# lora-lint: {comment}\n{RECIPE}"
    report = check(Source("a.yaml", "yaml", text.encode()), Config(select=("LL091",)), {})
    (one,) = report.findings
    return one.message


def test_a_misspelt_key_is_reported_with_the_nearest() -> None:
    assert "did you mean 'axolotl/qlora-needs-load-in-4bit'" in message(
        "ignore[LL012:axolotl/qlora-needs-load-in-4bits]"
    )
    assert "did you mean 'axolotl'" in message("ignore[LL012:axolotel]")


def test_brackets_are_asked_for_with_the_key() -> None:
    assert f"ignore[{FOUR_BITS}]" in message(f"ignore {FOUR_BITS}")


def test_a_rule_without_keys_says_so() -> None:
    assert "LL102 has no keys" in message("ignore[LL102:peft/alpha]")


def test_what_the_settings_ignore_makes_no_comment_unused() -> None:
    text = f"# lora-lint: ignore-file[{FOUR_BITS}]\n{RECIPE}"
    assert codes(text, ignore=(FOUR_BITS,)) == [WARMUP]
    assert codes(text, select=(WARMUP, "LL090")) == [WARMUP]
    text = f"# lora-lint: ignore-file[LL012:axolotl/relora-with-one-cycle]\n{RECIPE}"
    assert codes(text, select=(WARMUP, "LL090")) == [WARMUP]


def test_an_unknown_key_on_the_command_line(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert lint("--select", "LL012:axolotl/qlora-needs-4bit", "a.yaml") == 2
    assert "did you mean 'axolotl/qlora-needs-load-in-4bit'" in capsys.readouterr().err
    lint("--ignore", "LLL012:axolotl/a", "a.yaml")
    assert "no rule is called 'LLL012'; did you mean 'LL012'?" in capsys.readouterr().err


@pytest.mark.parametrize(("ignored", "code"), [(FOUR_BITS, 1), ("LL012:axolotl", 0)])
def test_settings_may_name_a_key(here: Path, ignored: str, code: int) -> None:
    (here / "lora-lint.toml").write_text(f'select = ["LL012"]\nignore = ["{ignored}"]\n')
    assert lint("a.yaml") == code


def test_text_and_statistics(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--select", "LL012", "--quiet", "a.yaml")
    assert f": error: {FOUR_BITS} refused-by-framework: adapter" in capsys.readouterr().out
    lint("--select", "LL012", "--statistics", "a.yaml")
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()[:2]] == BOTH


def test_json(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--select", "LL012", "--format", "json", "a.yaml")
    document = json.loads(capsys.readouterr().out)
    found = document["findings"][0]
    assert document["version"] == 2
    assert (found["code"], found["rule"], found["key"]) == (
        FOUR_BITS,
        "LL012",
        "axolotl/qlora-needs-load-in-4bit",
    )


def test_json_of_a_rule_without_keys(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.yaml").write_text(RECIPE.replace("lora_alpha: 32", "lora_alpha: 0"))
    lint("--select", "LL101", "--format", "json", "a.yaml")
    found = json.loads(capsys.readouterr().out)["findings"][0]
    assert (found["code"], found["rule"], found["key"]) == ("LL101", "LL101", None)


def test_sarif(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--select", "LL012", "--format", "sarif", "a.yaml")
    run = json.loads(capsys.readouterr().out)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result, code in zip(run["results"], BOTH, strict=True):
        assert result["ruleId"] == code.replace(":", "/")
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    described = rules[run["results"][0]["ruleIndex"]]
    assert described["shortDescription"]["text"].startswith("adapter: qlora without load_in_4bit")


def test_other_formats(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--select", FOUR_BITS, "--format", "gitlab", "a.yaml")
    (issue,) = json.loads(capsys.readouterr().out)
    assert issue["check_name"] == f"{FOUR_BITS} refused-by-framework"
    lint("--select", FOUR_BITS, "--format", "junit", "a.yaml")
    assert f'name="{FOUR_BITS} refused-by-framework"' in capsys.readouterr().out
    lint("--select", FOUR_BITS, "--format", "github", "a.yaml")
    assert FOUR_BITS.replace(":", "%3A") in capsys.readouterr().out


def test_the_baseline_counts_by_key(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--select", "LL012", "--write-baseline", "a.yaml")
    path = here / "lora-lint-baseline.json"
    assert json.loads(path.read_text())["files"] == {"a.yaml": dict.fromkeys(BOTH, 1)}
    assert lint("--select", "LL012", "--baseline", path.name, "a.yaml") == 0
    (here / "a.yaml").write_text(
        RECIPE.replace("warmup_steps: 10\n", "") + "rl: dpo\nsample_packing: true\n"
    )
    capsys.readouterr()
    assert lint("--select", "LL012", "--baseline", path.name, "--quiet", "a.yaml") == 1
    printed = capsys.readouterr()
    assert "LL012:axolotl/rl-with-sample-packing" in printed.out
    assert FOUR_BITS not in printed.out
    assert "1 finding of" in printed.err  # the warm-up


@pytest.mark.parametrize(
    ("counts", "reported", "gone"),
    [
        ({"LL012": 2}, [], 0),
        ({"LL012": 3}, [], 1),
        ({"LL012": 1}, BOTH, 0),
        ({FOUR_BITS: 1}, [WARMUP], 0),
        ({FOUR_BITS: 1, "LL012": 1}, [], 0),
        ({FOUR_BITS: 1, WARMUP: 2}, [], 1),
        ({"LL012:axolotl/qlora-with-gptq": 1, "LL012": 2}, [], 1),
    ],
)
def test_a_baseline_of_the_code_alone_covers(
    counts: dict[str, int], reported: list[str], gone: int
) -> None:
    from lora_lint.engine.baseline import Baseline

    baseline = Baseline("baseline.json", {"a.yaml": counts})
    report = check(Source("a.yaml", "yaml", RECIPE.encode()), Config(select=("LL012",)), {})
    left = [each.full_code for each in baseline.mark(report).findings if each.suppressed is None]
    assert (left, baseline.gone) == (reported, gone)


def test_ignores_are_added_with_the_key(here: Path) -> None:
    assert lint("--select", "LL012", "--add-ignores", "a.yaml") == 0
    text = (here / "a.yaml").read_text()
    assert f"# lora-lint: ignore[{FOUR_BITS}]" in text
    assert f"# lora-lint: ignore[{WARMUP}]" in text
    assert lint("--select", "LL012,LL090,LL091", "a.yaml") == 0


def test_the_cache_keeps_the_key(here: Path, capsys: pytest.CaptureFixture) -> None:
    for _ in range(2):
        main(["--select", "LL012", "--quiet", "a.yaml"])
        assert FOUR_BITS in capsys.readouterr().out


def test_fingerprints_differ_by_key(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "a.yaml").write_text(f"{RECIPE}load_in_8bit: true\n")
    lint("--select", "LL012", "--format", "gitlab", "a.yaml")
    issues = json.loads(capsys.readouterr().out)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 3


@pytest.mark.parametrize("name", [FOUR_BITS, FOUR_BITS.lower(), FOUR_BITS.replace("-", "_")])
def test_explain(name: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", name]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"# {FOUR_BITS}\n\nSeverity: error")
    for part in (
        "adapter: qlora without load_in_4bit: true: axolotl raises ValueError.",
        "before anything is loaded",
        "Add load_in_4bit: true",
        "https://github.com/axolotl-ai-cloud/axolotl",
    ):
        assert part in text


def test_explain_a_warning_and_since_when(capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", "LL012:axolotl/rpo-alpha-removed"]) == 0
    text = capsys.readouterr().out
    assert "Severity: warning" in text
    assert "## Since\n\nthe axolotl that needs TRL 0.29" in text


def test_explain_lists_the_keys_of_a_rule(capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", "LL012"]) == 0
    text = capsys.readouterr().out
    assert all(f"- `{code}`\n" in text for code in BOTH)
    assert main(["explain", "LL102"]) == 0
    assert "## Keys" not in capsys.readouterr().out


def test_explain_all_of_one_framework(capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", "LL012:ludwig"]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("# ")]
    assert heads == [
        "# LL012:ludwig/adapter-with-other-trainer-type",
        "# LL012:ludwig/merge-into-base-model-below-8-bits",
    ]


def test_explain_what_is_not_there(capsys: pytest.CaptureFixture) -> None:
    assert main(["explain", "LL012:axolotl/qlora-needs-4bit"]) == 2
    assert "did you mean 'axolotl/qlora-needs-load-in-4bit'?" in capsys.readouterr().err
    assert main(["explain", "LLL012:axolotl"]) == 2
    assert "no rule is called LLL012; did you mean LL012" in capsys.readouterr().err
    assert main(["explain", "LL102:peft"]) == 2
    assert "LL102 has no keys" in capsys.readouterr().err


def test_rules_as_json_have_their_keys(capsys: pytest.CaptureFixture) -> None:
    assert main(["rules", "--format", "json"]) == 0
    rules = {rule["code"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    assert "axolotl/qlora-needs-load-in-4bit" in rules["LL012"]["keys"]
    assert rules["LL102"]["keys"] == []
