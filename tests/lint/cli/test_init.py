"""``lora-lint init``, ``config`` and ``completion``."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import which

import jsonschema
import pytest
import yaml

from lora_lint.cli.completion import commands
from lora_lint.cli.config_command import schema
from lora_lint.cli.main import COMMANDS, main
from lora_lint.engine import config
from lora_lint.engine.config import KEYS, load
from lora_rules.engine.registry import all_rules

RECIPE = "base_model: m\ndatasets: [{path: d}]\nadapter: lora\nlora_r: 8\nlora_alpha: 0\n"
RECIPE += "lora_target_linear: true\nlearning_rate: 2.0e-4\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(RECIPE)
    return tmp_path


def test_init_writes_settings_and_hook(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["init", "--gpu", "RTX 4090"]) == 0
    assert tomllib.loads((here / "lora-lint.toml").read_text()) == {"gpu": "RTX 4090"}
    hook = yaml.safe_load((here / ".pre-commit-config.yaml").read_text())
    assert hook["repos"][0]["hooks"][0]["id"] == "lora-lint"
    said = capsys.readouterr().out
    assert "1 LoRA recipe in 1 file (axolotl 1)" in said
    assert "1 finding today" in said


def test_init_adds_to_a_pyproject_and_keeps_it(here: Path) -> None:
    (here / "pyproject.toml").write_text("[project]\nname = 'x'  # x")
    main(["init"])
    text = (here / "pyproject.toml").read_text()
    assert text.startswith("[project]\nname = 'x'  # x\n\n[tool.lora-lint]\n")
    assert tomllib.loads(text)["tool"]["lora-lint"] == {}
    assert load("pyproject.toml") is not None


def test_init_overwrites_nothing(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "lora-lint.toml").write_text("pedantic = true\n")
    (here / ".pre-commit-config.yaml").write_text("repos: []\n")
    main(["init", "--gpu", "T4"])
    assert (here / "lora-lint.toml").read_text() == "pedantic = true\n"
    assert (here / ".pre-commit-config.yaml").read_text() == "repos: []\n"
    said = capsys.readouterr().out
    assert "lora-lint.toml has settings already" in said
    assert "Add to the repos of .pre-commit-config.yaml:\n  - repo: local\n" in said


def test_init_twice_changes_nothing_more(here: Path) -> None:
    main(["init", "--baseline"])
    files = {path.name: path.read_bytes() for path in here.iterdir()}
    main(["init", "--baseline"])
    assert {path.name: path.read_bytes() for path in here.iterdir()} == files


def test_init_can_count_todays_findings_away(here: Path) -> None:
    assert main(["--no-cache", "."]) == 1
    main(["init", "--baseline"])
    config._cache.clear()  # another run would read the new settings
    assert main(["--no-cache", "."]) == 0


def test_init_dry_writes_nothing(here: Path) -> None:
    main(["init", "--dry-run", "--baseline"])
    assert [path.name for path in here.iterdir()] == ["a.yaml"]


def test_the_gpu_comes_from_slurm_where_it_is_always_one(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "run.sh").write_text("#!/bin/bash\n#SBATCH --gres=gpu:h200:4\npython x.py\n")
    main(["init", "--dry-run"])
    assert "GPU: H200" in capsys.readouterr().out
    (here / "other.sh").write_text("#!/bin/bash\n#SBATCH --gpus=t4:1\n")
    main(["init", "--dry-run"])
    assert "GPU:" not in capsys.readouterr().out


def test_the_hook_that_init_writes_is_one_to_pre_commit(here: Path) -> None:
    main(["init"])
    program = [sys.executable, "-m", "pre_commit", "validate-config"]
    subprocess.run(program, check=True, capture_output=True)


# ---- config


def test_config_tells_what_is_in_force(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "lora-lint.toml").write_text('gpu = "T4"\nignore = ["LL301"]\n')
    main(["config"])
    told = json.loads(capsys.readouterr().out)
    assert (told["gpu"], told["ignore"], told["fail-on"]) == ("T4", ["LL301"], "warning")
    assert told["origin"] == str(here / "lora-lint.toml")


def test_a_hidden_settings_file_counts_too(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / ".lora-lint.toml").write_text('gpu = "T4"\n')
    main(["config"])
    assert json.loads(capsys.readouterr().out)["gpu"] == "T4"
    main(["init"])
    assert "has settings already" in capsys.readouterr().out


def test_the_schema_is_one_and_knows_every_key(capsys: pytest.CaptureFixture) -> None:
    main(["config", "--schema"])
    told = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(told)
    assert set(told["properties"]) == set(KEYS)
    assert all(each["description"] for each in told["properties"].values())


VALID = [
    'gpu = "T4"\ngpu-count = 2\ntrain-rows = 100\n',
    'select = ["ALL"]\nignore = ["LL3"]\nfail-on = "error"\nmin-severity = "info"\n',
    '[per-file-ignores]\n"a/*" = ["LL101"]\n',
    "[rules.alpha-rank-ratio-out-of-range]\nmin = 0.5\nmax = 8\n",
    "[rules.LL001]\nallow = ['x']\n",
    'dialect = "axolotl"\n',
    '[dialect]\n"a/**" = "torchtune"\n',
    'baseline = "b.json"\nplugins = ["a.py"]\nforce-exclude = true\n',
]
INVALID = [
    "gpu-count = 0\n",
    'fail-on = "fatal"\n',
    "nonsense = 1\n",
    "pedantic = 1\n",
    'select = "ALL"\n',
    "[per-file-ignores]\na = 1\n",
    'baseline = ""\n',
]


@pytest.mark.parametrize("text", VALID)
def test_what_we_take_the_schema_takes(here: Path, text: str) -> None:
    (here / "lora-lint.toml").write_text(text)
    assert load("lora-lint.toml") is not None
    jsonschema.validate(tomllib.loads(text), schema())


@pytest.mark.parametrize("text", INVALID)
def test_what_we_refuse_the_schema_refuses(here: Path, text: str) -> None:
    (here / "lora-lint.toml").write_text(text)
    assert main(["a.yaml"]) == 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), schema())


def test_the_schema_knows_every_option_of_every_rule() -> None:
    told = schema()["properties"]["rules"]["properties"]
    for rule in all_rules().values():
        for name, default in rule.options.items():
            for table in (told[rule.name], told[rule.code]):
                value = list(default) if isinstance(default, tuple) else default
                assert table["properties"][name]["default"] == value


# ---- completion


def test_every_command_is_completed() -> None:
    assert [command.name for command in commands()] == list(COMMANDS)
    check = commands()[0]
    flags = {flag for option in check.options for flag in option.flags}
    assert {"--fix", "--baseline", "--gpu", "-q", "--format"} <= flags
    assert "sarif" in next(o.choices for o in check.options if "--format" in o.flags)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(shell: str, capsys: pytest.CaptureFixture) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    program = which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([program, "-n"], input=script, text=True, check=True)


def completed(words: list[str], script: str) -> set[str]:
    line = " ".join(f"'{word}'" for word in words)
    asked = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _lora_lint\n"
    asked += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash"], input=asked, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["lora-lint", "par"], {"params"}),
        (["lora-lint", "--unsa"], {"--unsafe-fixes"}),
        (["lora-lint", "check", "--format", "sa"], {"sarif"}),
        (["lora-lint", "--fail-on", ""], {"info", "warning", "error"}),
        (["lora-lint", "diff", "--exit"], {"--exit-code"}),
        (["lora-lint", "completion", "f"], {"fish"}),
        (["lora-lint", "show", "a.y"], {"a.yaml"}),
        (["lora-lint", "check", "--baseline", "a.y"], {"a.yaml"}),
    ],
)
def test_bash_completes(
    here: Path, capsys: pytest.CaptureFixture, words: list[str], wanted: set[str]
) -> None:
    main(["completion", "bash"])
    assert completed(words, capsys.readouterr().out) == wanted
