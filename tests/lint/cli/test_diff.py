"""``lora-lint diff``: what a change means."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lora_lint.cli.main import main

OLD = """\
base_model: meta-llama/Llama-3.1-8B
datasets: [{path: data.jsonl}]
adapter: lora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
learning_rate: 2.0e-4
micro_batch_size: 2
max_steps: 100
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(OLD)
    return tmp_path


@pytest.fixture
def repository(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(variable, raising=False)
    git("init", "-q")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    return here


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def told(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert main(["diff", *arguments]) == 0
    out: str = capsys.readouterr().out
    return out


def compared(capsys: pytest.CaptureFixture, new: str, old: str = OLD) -> dict[str, Any]:
    Path("old.yaml").write_text(old)
    Path("new.yaml").write_text(new)
    document = json.loads(told(capsys, "old.yaml", "new.yaml", "--format", "json"))
    recipe: dict[str, Any] = document["files"][0]["recipes"][0]
    return recipe


def test_comments_order_and_spelling_change_nothing(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    lines = OLD.replace("2.0e-4", "0.0002").splitlines()
    (here / "new.yaml").write_text("# hello\n" + "\n".join(reversed(lines)) + "\n")
    assert told(capsys, "old.yaml", "new.yaml") == "Nothing changed in meaning.\n"
    assert main(["diff", "old.yaml", "new.yaml", "--exit-code"]) == 0


def test_what_a_rank_means(here: Path, capsys: pytest.CaptureFixture) -> None:
    recipe = compared(capsys, OLD.replace("lora_r: 16", "lora_r: 64"))
    measures = recipe["measures"]
    assert (measures["scale"]["old"], measures["scale"]["new"]) == ([2.0], [0.5])
    assert measures["learning_rate x scale"]["factor"] == pytest.approx(0.25)
    assert measures["trainable parameters"]["old"] == [41_943_040]
    assert measures["trainable parameters"]["factor"] == pytest.approx(4)
    assert measures["global batch"]["factor"] == pytest.approx(1)
    assert [change["key"] for change in recipe["settings"]] == ["lora_r"]


def test_alpha_and_rank_together_keep_the_scale(here: Path, capsys: pytest.CaptureFixture) -> None:
    new = OLD.replace("lora_r: 16", "lora_r: 32").replace("alpha: 32", "alpha: 64")
    text = told_of(capsys, new)
    assert "unchanged: scale, learning_rate x scale" in text


def told_of(capsys: pytest.CaptureFixture, new: str) -> str:
    Path("new.yaml").write_text(new)
    return told(capsys, "old.yaml", "new.yaml")


def test_what_is_unknown_is_told_with_its_reason(here: Path, capsys: pytest.CaptureFixture) -> None:
    recipe = compared(capsys, OLD.replace("max_steps: 100", "num_epochs: 3"))
    steps = recipe["measures"]["steps"]
    assert (steps["old"], steps["new"], steps["factor"]) == ([100], [], None)
    assert steps["new_unknown"]
    assert "not known: steps: now, " in told(capsys, "old.yaml", "new.yaml")


def test_findings_appear_and_vanish(here: Path, capsys: pytest.CaptureFixture) -> None:
    bad = OLD.replace("alpha: 32", "alpha: 0")
    recipe = compared(capsys, bad)
    assert "LL101" in [finding["code"] for finding in recipe["appeared"]]
    recipe = compared(capsys, OLD, bad)
    assert "LL101" in [finding["code"] for finding in recipe["vanished"]]


def test_a_finding_that_stays_is_not_told(here: Path, capsys: pytest.CaptureFixture) -> None:
    old = OLD.replace("alpha: 32", "alpha: 0")
    recipe = compared(capsys, old.replace("lora_r: 16", "lora_r: 8"), old)
    codes = [f["code"] for f in (*recipe["appeared"], *recipe["vanished"])]
    assert "LL101" not in codes


def test_markdown_cannot_be_broken_out_of(here: Path, capsys: pytest.CaptureFixture) -> None:
    new = OLD.replace("adapter: lora", 'adapter: lora\noutput_dir: "a|b`<img>`\\n| x |"')
    (here / "new.yaml").write_text(new)
    text = told(capsys, "old.yaml", "new.yaml", "--format", "markdown")
    row = next(line for line in text.splitlines() if "output_dir" in line)
    assert row.count("|") - row.count("\\|") == 5
    assert "``" in row


def test_two_revisions_of_a_file(repository: Path, capsys: pytest.CaptureFixture) -> None:
    (repository / "old.yaml").write_text(OLD.replace("lora_r: 16", "lora_r: 64"))
    text = told(capsys, "HEAD:old.yaml", "old.yaml")
    assert text.startswith("HEAD:old.yaml -> old.yaml\n")
    assert "lora_r" in text
    assert told(capsys, "--git", "HEAD", "old.yaml") == text
    assert told(capsys, "--git", "HEAD") == text


def test_paths_are_relative_to_where_we_run(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (repository / "in").mkdir()
    monkeypatch.chdir(repository / "in")
    assert "Nothing changed" in told(capsys, "HEAD:../old.yaml", "../old.yaml")
    assert "Nothing changed" in told(capsys, f"HEAD:{repository / 'old.yaml'}", "../old.yaml")


def test_a_new_file_is_told_as_such(repository: Path, capsys: pytest.CaptureFixture) -> None:
    (repository / "new.yaml").write_text(OLD)
    git("add", "-N", "new.yaml")
    text = told(capsys, "--git", "HEAD")
    assert "axolotl, line 3 (new)" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["trainable", "parameters", "-", "->", "41,943,040"] in rows


def test_a_recipe_among_several_finds_its_old_self(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    one = "from peft import LoraConfig\na = LoraConfig(r=16, lora_alpha=32, bias='none')\n"
    (here / "old.py").write_text(one)
    (here / "new.py").write_text(one.replace("a =", "b = LoraConfig(r=4, lora_alpha=8)\na ="))
    text = told(capsys, "old.py", "new.py")
    assert "line 2 (new)" in text
    assert "line 3" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.yaml", "old.yaml"], "missing.yaml: no such file"),
        (["HEAD:missing.yaml", "old.yaml"], "missing.yaml"),
        (["nonsense:old.yaml", "old.yaml"], "git knows no revision 'nonsense' here"),
        (["--git=-x", "old.yaml"], "is no revision"),
        (["old.yaml", "broken.yaml"], "broken.yaml: this is not YAML"),
        (["old.yaml", "text.txt"], "text.txt: not a kind of file that is read here"),
    ],
)
def test_trouble_is_told_in_a_sentence(
    repository: Path, capsys: pytest.CaptureFixture, arguments: list[str], said: str
) -> None:
    (repository / "broken.yaml").write_text("lora_r: [")
    (repository / "text.txt").write_text("lora")
    assert main(["diff", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_exit_code_tells_whether_anything_changed(here: Path) -> None:
    (here / "new.yaml").write_text(OLD.replace("lora_r: 16", "lora_r: 64"))
    assert main(["diff", "old.yaml", "new.yaml"]) == 0
    assert main(["diff", "old.yaml", "new.yaml", "--exit-code"]) == 1
