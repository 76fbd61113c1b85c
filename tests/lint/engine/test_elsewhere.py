"""Findings that stand in other files of a run: their comments, their pictures, every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lora_lint.cli.main import main

CONFIG = "DROPOUT = 0.9  # lora-lint: ignore[LL302] an experiment\nRANK = 0\n"
TRAIN = (
    "from peft import LoraConfig\nfrom config import DROPOUT\nLoraConfig(lora_dropout=DROPOUT)\n"
)
RANKED = "from peft import LoraConfig\nfrom config import RANK\n\n\nLoraConfig(r=RANK)\n"
PARSED = """import argparse
from peft import LoraConfig
parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=8)
LoraConfig(r=parser.parse_args().rank)
"""


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)


def test_a_comment_that_another_file_needs_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.py").write_text(CONFIG)
    Path("train.py").write_text(TRAIN)
    assert main(["--no-cache", "."]) == 0
    assert main(["--no-cache", "./config.py", "train.py"]) == 0
    assert "LL090" not in capsys.readouterr().out
    Path("config.py").write_text(CONFIG.replace("0.9", "0.1"))
    assert main(["--no-cache", "."]) == 1
    assert "config.py:1:18: warning: LL090" in capsys.readouterr().out


def test_a_comment_counts_in_its_own_file_only() -> None:
    Path("train.py").write_text(TRAIN.replace("\nfrom", "  # lora-lint: ignore[LL302] a\nfrom"))
    Path("config.py").write_text("DROPOUT = 0.9\n")
    assert main(["--no-cache", "train.py"]) == 1  # line 1 of train.py is not line 1 of config.py


def test_a_finding_in_a_script_shows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text(PARSED)
    Path("run.sh").write_text("cd .\npython train.py --rank 0\n")
    main(["--no-cache", "train.py"])
    shown = capsys.readouterr().out
    assert "2 | python train.py --rank 0" in shown
    assert "train.py:5 | LoraConfig(r=parser" in shown
    Path("run.sh").write_text("# lora-lint: ignore[LL002] a\npython train.py --rank 0\n")
    assert main(["--no-cache", "train.py"]) == 0


def test_two_files_may_point_at_lines_of_a_third(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.py").write_text(CONFIG.replace("#", "# no"))
    Path("train.py").write_text(TRAIN)
    Path("ranked.py").write_text(RANKED)
    main(["--no-cache", "ranked.py", "train.py"])
    shown = capsys.readouterr().out
    assert "1 | DROPOUT = 0.9" in shown
    assert "2 | RANK = 0" in shown
    assert "ranked.py:5 | LoraConfig(r=RANK)" in shown


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab", "junit"])
def test_every_format_names_the_file_of_each_place(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sub").mkdir()
    Path("sub/train.py").write_text(PARSED)
    Path("sub/run.sh").write_text("python train.py --rank 0\n")
    assert main(["--no-cache", "--format", form, "sub/train.py"]) == 1
    told = capsys.readouterr().out
    if form == "json":
        (found,) = json.loads(told)["findings"]
        assert found["path"] == "sub/run.sh"
        assert [each["path"] for each in found["also"]] == ["sub/train.py"]
    elif form == "sarif":
        (result,) = json.loads(told)["runs"][0]["results"]
        places = [*result["locations"], *result["relatedLocations"]]
        uris = [each["physicalLocation"]["artifactLocation"]["uri"] for each in places]
        assert uris == ["sub/run.sh", "sub/train.py"]
    elif form == "gitlab":
        (found,) = json.loads(told)
        assert found["location"]["path"] == "sub/run.sh"
    elif form == "junit":
        assert 'testsuite name="sub/run.sh"' in told
        assert "sub/run.sh:1:" in told
    else:
        assert "file=sub/run.sh,line=1" in told


def test_a_baseline_counts_what_stands_elsewhere() -> None:
    Path("config.py").write_text("DROPOUT = 0.9\n")
    Path("train.py").write_text(TRAIN)
    main(["--no-cache", "--write-baseline", "train.py"])
    counts = json.loads(Path("lora-lint-baseline.json").read_text())["files"]
    assert counts == {"config.py": {"LL302": 1}}
    assert main(["--no-cache", "--baseline", "lora-lint-baseline.json", "train.py"]) == 0
