"""What the user's brief asked for: its four rules, its layout, its hook and its launcher."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from identify.identify import tags_from_path

from brief_cases import KINDS, MISTAKES, SOUND, Mistake, files
from conftest import ROOT
from hook_repository import as_it_stands, commit, try_repo
from launch_cases import CONFIG, fake_nvidia_smi, folder
from lora_launch.cli import main as launch
from lora_lint.cli.init import HOOK as INIT_HOOK
from lora_lint.cli.main import main as lint
from lora_lint.sources.source import KINDS as ENDINGS
from lora_rules.engine.registry import all_rules

FILES = files()
LINE = re.compile(r"^configs/([\w.-]+):(?:cell \d+:)?\d+:\d+: (\w+): (LL\w+) ", re.MULTILINE)
"""The first line of a finding in the default report."""
EXPECTED = sorted(
    (name, mistake.severity, mistake.code) for name, (_, mistake) in FILES.items() if mistake
)
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose ``configs/`` holds every kind of file, with each mistake and sound."""
    (tmp_path / "configs").mkdir()
    for name, (text, _) in FILES.items():
        (tmp_path / "configs" / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(rules: str) -> set[str]:
    return {mistake.code for mistake in MISTAKES.values()} & set(rules.split())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ratio", "lora_alpha / r = 64 / 8 = 8: outside 0.25 to 4"),
        ("tiny-data", "r = 128 for 600 training examples"),
        ("dropout", "lora_dropout = 0.1 at r = 4"),
        ("memory", "GiB before a single activation, and GeForce RTX 3060 12GB has"),
    ],
)
def test_each_rule_says_what_the_brief_asks_for(
    name: str, says: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, (ending, _) in KINDS.items():
        file = f"configs/{kind}-{name}{ending}"
        assert lint([file]) == 1, file
        assert says in " ".join(capsys.readouterr().out.split()), file


def test_the_rules_have_the_severities_of_the_brief() -> None:
    for mistake in MISTAKES.values():
        assert all_rules()[mistake.code].severity.word == mistake.severity


@pytest.mark.usefixtures("project")
def test_a_folder_is_linted_without_any_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(["configs/"]) == 1
    told = capsys.readouterr().out
    found = sorted((name, severity, code) for name, severity, code in LINE.findall(told))
    assert found == EXPECTED
    assert "6 errors, 18 warnings in 24 files (30 recipes, 30 files looked at)" in told


@pytest.mark.usefixtures("project")
def test_json_has_the_same_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint(["configs/", "--format", "json", "--min-severity", "warning"]) == 1
    told = json.loads(capsys.readouterr().out)
    found = sorted(
        (Path(each["path"]).name, each["severity"], each["code"])
        for each in told["findings"]
        if each["severity"] != "info"
    )
    assert found == EXPECTED


@pytest.mark.usefixtures("project")
def test_sound_files_pass(capsys: pytest.CaptureFixture[str]) -> None:
    sound = [f"configs/{name}" for name, (_, mistake) in FILES.items() if mistake is None]
    assert lint(sound) == 0
    assert LINE.findall(capsys.readouterr().out) == []


def test_the_hook_gets_every_file_and_reports_the_same(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What pre-commit does: the entry, and after it the changed files of the hook's types."""
    (hook,) = HOOK
    assert hook["id"] == "lora-lint"
    assert hook["language"] == "python"
    program, *arguments = hook["entry"].split()
    assert program == "lora-lint"
    everything = sorted(path.relative_to(project).as_posix() for path in project.rglob("*.*"))
    assert set(hook["types"]) == {"text"}
    passed = [
        path
        for path in everything
        if "text" in tags_from_path(path) and re.search(hook["files"], path)
    ]
    assert passed == sorted(f"configs/{name}" for name in FILES)
    assert lint([*arguments, *passed]) == 1
    found = LINE.findall(capsys.readouterr().out)
    assert sorted(found) == EXPECTED


def test_the_hook_gets_every_kind_of_file_that_is_read(tmp_path: Path) -> None:
    """``identify`` has no tag of its own for some of them, so their endings are listed."""
    (hook,) = HOOK
    for name in [*(f"a{ending}" for ending in ENDINGS), "B.YAML", "train", "scripts/train"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("lora_r: 8\n")
        assert set(hook["types"]) <= tags_from_path(str(path)), name
        assert re.search(hook["files"], name), name
    for name in ("a.md", "notes.txt", "a.safetensors", ".env", "a.sh.orig"):
        assert not re.search(hook["files"], name), name
    assert hook["files"] in yaml.safe_load(INIT_HOOK)[0]["hooks"][0].values()


@pytest.mark.slow
def test_pre_commit_try_repo(tmp_path: Path, project: Path) -> None:
    commit(project)
    done = try_repo(as_it_stands(tmp_path / "hook"), project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert sorted(LINE.findall(done.stdout)) == EXPECTED


LAUNCHED = ("axolotl", "llamafactory", "trl", "python")
"""The kinds that lora-launch hands over to the framework that reads them."""


@pytest.mark.parametrize("kind", LAUNCHED)
@pytest.mark.parametrize("name", MISTAKES)
def test_the_launcher_s_gate_says_the_same(
    kind: str,
    name: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mistake = MISTAKES[name]
    config = f"configs/{kind}-{name}{KINDS[kind][0]}"
    fake_nvidia_smi(project, monkeypatch, [f"0, GPU-0, {mistake.gpu}"])
    refuses = mistake.severity == "error"
    assert launch(["--config", config, "--dry-run"]) == int(refuses)
    told = capsys.readouterr().out
    assert mistake.code in told
    assert ("Not started" in told) is refuses
    assert launch(["--config", config, "--dry-run", "--strict"]) == 1


@pytest.mark.parametrize("kind", LAUNCHED)
def test_a_sound_configuration_passes_the_gate(
    kind: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake_nvidia_smi(project, monkeypatch, ["0, GPU-0, NVIDIA GeForce RTX 4090, 24564 MiB"])
    config = f"configs/{kind}-sound{KINDS[kind][0]}"
    assert launch(["--config", config, "--dry-run", "--strict"]) == 0
    assert codes(capsys.readouterr().out) == set()


def native(mistake: Mistake | None) -> str:
    """The launcher's own format."""
    recipe = (mistake.recipe if mistake else SOUND)._replace(model="model")
    lora = f"  r: {recipe.r}\n  lora_alpha: {recipe.alpha}\n  lora_dropout: {recipe.dropout}\n"
    text = CONFIG.replace("  r: 8\n  lora_alpha: 16\n", lora)
    return text.replace("learning_rate: 2.0e-4", "learning_rate: 1.0e-4")  # as in the other kinds


@pytest.mark.parametrize(
    ("name", "rows"), [("ratio", 50_000), ("tiny-data", 600), ("dropout", 50_000)]
)
def test_the_launcher_s_own_format(
    name: str, rows: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(folder(tmp_path, native(MISTAKES[name]), rows))
    assert launch(["--config", path, "--dry-run"]) == 0
    assert MISTAKES[name].code in capsys.readouterr().out
    assert launch(["--config", path, "--dry-run", "--strict"]) == 1
    path = str(folder(tmp_path, native(None), 50_000))
    assert launch(["--config", path, "--dry-run", "--strict"]) == 0


def test_the_launcher_s_own_format_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIG.replace("path: model", f"path: {MISTAKES['memory'].recipe.model}")
    path = folder(tmp_path, text.replace("  use_cpu: true\n  bf16: false\n", ""))
    fake_nvidia_smi(tmp_path, monkeypatch, [f"0, GPU-0, {MISTAKES['memory'].gpu}"])
    assert launch(["--config", str(path), "--dry-run"]) == 1
    assert "LL601" in capsys.readouterr().out


def test_the_layout_of_the_brief() -> None:
    for name in ("lint", "launcher", "rules", "tests"):
        assert (ROOT / name).is_dir(), name
    for name in ("pyproject.toml", ".pre-commit-hooks.yaml"):
        assert (ROOT / name).is_file(), name


def test_the_console_scripts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["scripts"]) == {"lora-lint", "lora-launch"}
    installed = {each.name: each for each in entry_points(group="console_scripts")}
    assert installed["lora-lint"].load() is lint
    assert installed["lora-launch"].load() is launch


@pytest.mark.parametrize("program", ["lora-lint", "lora-launch"])
def test_a_console_script_answers(program: str) -> None:
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([path, "--help"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert program in done.stdout
