"""Adopting the linter where there are findings: baseline, comments, only what changed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lora_lint.cli.main import main

ONE = "from peft import LoraConfig\n\nc = LoraConfig(r=8, lora_alpha=0)\n"
TWO = ONE + "d = LoraConfig(r=8, lora_alpha=-8)\n"
GOOD = "from peft import LoraConfig\n\nc = LoraConfig(r=8, lora_alpha=16)\n"
ONLY = ["--select", "LL101,LL102,LL301,LL090,LL091"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "a.py").write_text(ONE)
    return tmp_path


def lint(*arguments: str) -> int:
    return main([*ONLY, "--no-cache", *arguments])


def counts(here: Path, name: str = "lora-lint-baseline.json") -> object:
    return json.loads((here / name).read_text())["files"]


def test_what_is_counted_is_not_told(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert lint(".") == 1
    assert lint("--write-baseline", ".") == 0
    assert "lora-lint-baseline.json: 1 finding in 1 file" in capsys.readouterr().out
    assert counts(here) == {"a.py": {"LL101": 1}}
    assert lint("--baseline", "lora-lint-baseline.json", ".") == 0
    assert "1 suppressed" in capsys.readouterr().out
    assert lint(".") == 1


def test_sarif_says_that_it_is_no_comment(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--write-baseline", ".")
    capsys.readouterr()
    lint("--baseline", "lora-lint-baseline.json", "--format", "sarif", ".")
    result = json.loads(capsys.readouterr().out)["runs"][0]["results"][0]
    assert [each["kind"] for each in result["suppressions"]] == ["external"]


def test_moved_lines_do_not_matter(here: Path) -> None:
    lint("--write-baseline", ".")
    (here / "a.py").write_text("# hello\n\n\n" + ONE)
    assert lint("--baseline", "lora-lint-baseline.json", ".") == 0


def test_where_there_are_more_all_are_told(here: Path, capsys: pytest.CaptureFixture) -> None:
    lint("--write-baseline", ".")
    (here / "a.py").write_text(TWO)
    capsys.readouterr()
    assert lint("--baseline", "lora-lint-baseline.json", "-q", ".") == 1
    assert capsys.readouterr().out.count("LL101") == 2


def test_another_rule_or_file_is_told(here: Path) -> None:
    lint("--write-baseline", ".")
    (here / "b.py").write_text(ONE)
    assert lint("--baseline", "lora-lint-baseline.json", "b.py") == 1
    (here / "a.py").write_text(ONE.replace("alpha=0", "alpha=800"))
    assert lint("--baseline", "lora-lint-baseline.json", "a.py") == 1


def test_what_is_gone_is_said_and_pruned(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "b.py").write_text(ONE)
    (here / "c.py").write_text(ONE)
    lint("--write-baseline", ".")
    (here / "a.py").write_text(GOOD)
    (here / "b.py").unlink()
    capsys.readouterr()
    assert lint("--baseline", "lora-lint-baseline.json", ".") == 0
    assert "1 finding of lora-lint-baseline.json not found any more" in capsys.readouterr().err
    lint("--write-baseline", "a.py")
    assert counts(here) == {"c.py": {"LL101": 1}}


def test_the_settings_may_name_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "lora-lint.toml").write_text('baseline = "old.json"\n')
    lint("--write-baseline", ".")
    assert counts(here, "old.json") == {"a.py": {"LL101": 1}}
    assert lint(".") == 0
    (here / "in").mkdir()
    monkeypatch.chdir(here / "in")
    assert lint("..") == 0


def test_a_fix_goes_with_a_baseline(here: Path) -> None:
    (here / "a.py").write_text(ONE.replace("alpha=0", "alpha=800"))
    lint("--write-baseline", ".")
    assert lint("--baseline", "lora-lint-baseline.json", "--fix", "--unsafe-fixes", ".") == 0
    assert (here / "a.py").read_text() == GOOD


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', '{"version": 9, "files": {}}', "[" * 100_000,
             '{"version": 1, "files": {"a.py": {"LL101": "many"}}}', "\0"]
)  # fmt: skip
def test_a_broken_baseline_is_trouble(here: Path, capsys: pytest.CaptureFixture, text: str) -> None:
    (here / "b.json").write_text(text)
    assert lint("--baseline", "b.json", ".") == 2
    assert capsys.readouterr().err.startswith("lora-lint: b.json: ")


def test_a_baseline_that_is_not_there_is_trouble(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert lint("--baseline", "none.json", ".") == 2
    assert "--write-baseline makes one" in capsys.readouterr().err


# ---- comments

DROPPED = "r=4, lora_alpha=0, lora_dropout=0.1)"
LONG = "x" * 70

IGNORES = [
    (
        "a.py",
        ONE,
        ONE.replace("=0)", "=0)  # lora-lint: ignore[LL101]"),
    ),
    (
        "a.py",
        ONE.replace("=0)", "=0)  # zero"),
        ONE.replace("=0)", "=0)  # zero  # lora-lint: ignore[LL101]"),
    ),
    (
        "a.py",
        ONE.replace("r=8, lora_alpha=0", "r=4, lora_alpha=0, lora_dropout=0.1"),
        ONE.replace(
            "r=8, lora_alpha=0)",
            "r=4, lora_alpha=0, lora_dropout=0.1)  # lora-lint: ignore[LL101, LL301]",
        ),
    ),
    (
        "a.py",
        ONE.replace("r=8, lora_alpha=0)", f"{DROPPED}  # lora-lint: ignore[LL301] so"),
        ONE.replace("r=8, lora_alpha=0)", f"{DROPPED}  # lora-lint: ignore[LL301, LL101] so"),
    ),
    (
        "a.py",
        "from peft import LoraConfig\n\nif True:\n"
        f"    c = LoraConfig(r=8, lora_alpha=0, bias='{LONG}')\n",
        "from peft import LoraConfig\n\nif True:\n    # lora-lint: ignore[LL101]\n"
        f"    c = LoraConfig(r=8, lora_alpha=0, bias='{LONG}')\n",
    ),
    (
        "a.yaml",
        "base_model: m\r\ndatasets: []\r\nadapter: lora\r\nlora_r: 8\r\nlora_alpha: 0\r\n",
        "base_model: m\r\ndatasets: []\r\nadapter: lora\r\nlora_r: 8\r\n"
        "lora_alpha: 0  # lora-lint: ignore[LL101]\r\n",
    ),
    (
        "a.sh",
        "#!/bin/bash\n"
        "swift sft --model m \\\n  --lora_rank 8 \\\n  --lora_alpha 0 \\\n  --seed 1\n",
        "#!/bin/bash\n# lora-lint: ignore-file[LL101]\n"
        "swift sft --model m \\\n  --lora_rank 8 \\\n  --lora_alpha 0 \\\n  --seed 1\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), IGNORES)
def test_a_comment_is_written_where_it_counts(
    here: Path, name: str, before: str, after: str
) -> None:
    (here / "a.py").unlink()
    (here / name).write_bytes(before.encode())
    assert lint(name) == 1
    assert lint("--add-ignores", name) == 0
    assert (here / name).read_bytes().decode() == after
    assert lint(name) == 0


def test_comments_give_a_reason(here: Path) -> None:
    lint("--add-ignores", "--reason", "measured", "a.py")
    assert (here / "a.py").read_text().endswith("# lora-lint: ignore[LL101] measured\n")


def test_a_second_run_writes_nothing_more(here: Path) -> None:
    (here / "a.py").write_text(TWO)
    lint("--add-ignores", ".")
    once = (here / "a.py").read_text()
    assert once.count("ignore[LL101]") == 2
    assert lint("--add-ignores", ".") == 0
    assert (here / "a.py").read_text() == once


def test_a_notebook_gets_its_comment_in_the_cell(here: Path) -> None:
    cell = {"cell_type": "code", "source": ONE.splitlines(keepends=True)}
    (here / "n.ipynb").write_text(json.dumps({"cells": [cell], "nbformat": 4}))
    lint("--add-ignores", "n.ipynb")
    source = json.loads((here / "n.ipynb").read_text())["cells"][0]["source"]
    assert source[-1] == "c = LoraConfig(r=8, lora_alpha=0)  # lora-lint: ignore[LL101]\n"
    assert lint("n.ipynb") == 0


def test_json_has_no_comments(here: Path, capsys: pytest.CaptureFixture) -> None:
    text = '{"lora": {"r": 8, "lora_alpha": 0, "target_modules": "all-linear"}}'
    (here / "run.json").write_text(text)
    assert lint("--add-ignores", "run.json") == 0
    assert (here / "run.json").read_text() == text
    assert "no comment can be written here" in capsys.readouterr().err


# ---- since a revision


@pytest.fixture
def repository(here: Path) -> Path:
    (here / "b.py").write_text(ONE)
    (here / "n.ipynb").write_text(notebook(ONE, "x = 1"))
    git("init", "-q")
    commit()
    return here


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x")


def since(capsys: pytest.CaptureFixture, *arguments: str) -> list[str]:
    capsys.readouterr()
    lint("--since", "HEAD", "-q", *(arguments or ["."]))
    out: str = capsys.readouterr().out
    return [line.split(": ")[0] for line in out.splitlines() if "LL" in line]


def test_nothing_changed_nothing_told(repository: Path, capsys: pytest.CaptureFixture) -> None:
    assert lint(".") == 1
    assert since(capsys) == []
    assert lint("--since", "HEAD", ".") == 0


def test_a_touched_line_is_told_and_others_are_not(
    repository: Path, capsys: pytest.CaptureFixture
) -> None:
    (repository / "a.py").write_text("import os\n" + ONE)
    assert since(capsys) == []
    (repository / "a.py").write_text(ONE.replace("r=8", "r=16"))
    assert since(capsys) == ["a.py:3:33"]


def test_a_finding_that_a_change_elsewhere_brought_is_told(
    repository: Path, capsys: pytest.CaptureFixture
) -> None:
    named = GOOD.replace("16", "A")
    (repository / "a.py").write_text(f"A = 16\n\n\n\n{named}")
    commit()
    (repository / "a.py").write_text(f"A = 0\n\n\n\n{named}")
    assert since(capsys) == ["a.py:7:32"]


def test_new_files_are_told_whole(repository: Path, capsys: pytest.CaptureFixture) -> None:
    (repository / "new.py").write_text(ONE)
    assert since(capsys) == ["new.py:3:32"]
    git("add", "new.py")
    assert since(capsys) == ["new.py:3:32"]


def test_a_notebook_is_told_by_cell(repository: Path, capsys: pytest.CaptureFixture) -> None:
    (repository / "n.ipynb").write_text(notebook(ONE, "x = 2"))
    assert since(capsys) == []
    (repository / "n.ipynb").write_text(notebook(ONE + "\nx = 3", "x = 1"))
    assert since(capsys) == ["n.ipynb:cell 1:3:32"]


def test_a_revision_that_is_not_there_is_trouble(
    repository: Path, capsys: pytest.CaptureFixture
) -> None:
    assert lint("--since", "nonsense", ".") == 2
    assert "git knows no revision 'nonsense' here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "HEAD", "--fix"],
        ["--write-baseline", "--add-ignores"],
        ["--write-baseline", "--fix"],
        ["--add-ignores", "--since", "HEAD"],
    ],
)
def test_what_does_not_go_together_is_refused(repository: Path, arguments: list[str]) -> None:
    assert lint(*arguments, ".") == 2
