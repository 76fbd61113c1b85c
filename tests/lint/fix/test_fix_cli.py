"""``--fix`` and its companions, as a user runs them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.fix.text import NotOffered
from lora_lint.fix.write import replace

SAFE = """\
from peft import LoraConfig
from trl import SFTTrainer
c = LoraConfig(r=8, lora_alpha=16, inference_mode=True)
SFTTrainer(model='x/y', peft_config=c)
"""
UNSAFE = "from peft import LoraConfig\n\nc = LoraConfig(r=8, lora_alpha=128)\n"
ONLY = ["--select", "LL004,LL102"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "safe.py").write_text(SAFE)
    (tmp_path / "unsafe.py").write_text(UNSAFE)
    return tmp_path


def test_fix_makes_the_safe_ones_and_reports_the_rest(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["--fix", *ONLY, "."]) == 1
    assert (here / "safe.py").read_text() == SAFE.replace("mode=True", "mode=False")
    assert (here / "unsafe.py").read_text() == UNSAFE
    out = capsys.readouterr().out
    assert "LL102" in out
    assert out.endswith("Fixed 1 finding in 1 file.\n")
    assert main(["--fix", *ONLY, "safe.py"]) == 0


def test_unsafe_fixes_are_asked_for(here: Path) -> None:
    assert main(["--fix", "--unsafe-fixes", *ONLY, "."]) == 0
    assert (here / "unsafe.py").read_text() == UNSAFE.replace("128", "16")


def test_diff_changes_nothing(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--diff", *ONLY, "."]) == 1
    assert (here / "safe.py").read_text() == SAFE
    said = capsys.readouterr()
    assert said.out.startswith("--- safe.py\n+++ safe.py\n")
    assert said.err == "Would fix 1 finding in 1 file.\n"
    assert main(["--diff", *ONLY, "unsafe.py"]) == 0


def test_patch_takes_the_diff(here: Path) -> None:
    data = SAFE.replace("\n", "\r\n").replace("c = ", "c =\t").rstrip().encode()
    (here / "safe.py").write_bytes(data)
    program = [sys.executable, "-m", "lora_lint", "--diff", *ONLY, "safe.py"]
    diff = subprocess.run(program, capture_output=True, check=False).stdout
    subprocess.run(["patch", "--binary", "-p0"], input=diff, check=True, capture_output=True)
    assert (here / "safe.py").read_bytes() == data.replace(b"mode=True", b"mode=False")


def test_fix_only_says_nothing_of_what_is_left(here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--fix-only", *ONLY, "."]) == 0
    assert "LL102" not in "".join(capsys.readouterr())
    assert (here / "safe.py").read_text() != SAFE


def test_show_fixes_tells_each_and_what_became_of_the_step(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    main(["--fix-only", "--unsafe-fixes", "--show-fixes", *ONLY, "unsafe.py"])
    said = capsys.readouterr().err
    assert "unsafe.py:3:32: LL102" in said
    assert "the scale goes from 16 to 2" in said


def test_a_step_that_moves_is_told_unasked(here: Path, capsys: pytest.CaptureFixture) -> None:
    main(["--diff", "--unsafe-fixes", *ONLY, "unsafe.py"])
    assert "LL102: the scale goes from 16 to 2" in capsys.readouterr().err


def test_a_misspelt_key_is_mended_before_what_follows_from_it(
    here: Path, capsys: pytest.CaptureFixture
) -> None:
    (here / "unsafe.py").write_text(UNSAFE.replace("r=8, lora_alpha=128", "r=128, alpha=256"))
    main(["--fix-only", "--unsafe-fixes", "--select", "LL001,LL102", "unsafe.py"])
    assert (here / "unsafe.py").read_text() == UNSAFE.replace(
        "r=8, lora_alpha=128", "r=128, lora_alpha=256"
    )


def test_show_fixes_tells_why_one_is_not_made(here: Path, capsys: pytest.CaptureFixture) -> None:
    (here / "unsafe.py").write_text(UNSAFE.replace("128", "64 * 2"))
    main(["--fix-only", "--unsafe-fixes", "--show-fixes", *ONLY, "unsafe.py"])
    assert "no fix for LL102: lora_alpha is worked out, not written" in capsys.readouterr().err


def test_standard_input_is_written_to_standard_output(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SAFE.encode())))
    monkeypatch.setattr("sys.stdout", out)
    assert main(["--fix", *ONLY, "-"]) == 0
    out.flush()
    assert out.buffer.getvalue().decode() == SAFE.replace("mode=True", "mode=False")  # type: ignore[attr-defined]


def test_what_is_suppressed_or_ignored_is_not_fixed(here: Path) -> None:
    text = SAFE.replace("=True)", "=True)  # lora-lint: ignore[LL004] on purpose")
    (here / "safe.py").write_text(text)
    main(["--fix", *ONLY, "."])
    assert (here / "safe.py").read_text() == text
    (here / "safe.py").write_text(SAFE)
    main(["--fix", "--ignore", "LL004", "."])
    assert (here / "safe.py").read_text() == SAFE


def test_a_replaced_file_keeps_its_mode_and_a_link_stays_a_link(here: Path) -> None:
    (here / "safe.py").chmod(0o640)
    (here / "link.py").symlink_to("safe.py")
    main(["--fix", *ONLY, "link.py"])
    assert (here / "link.py").is_symlink()
    assert (here / "safe.py").read_text() != SAFE
    assert (here / "safe.py").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(here)) == ["link.py", "safe.py", "unsafe.py"]


def test_a_file_that_was_changed_meanwhile_is_left_alone(here: Path) -> None:
    with pytest.raises(NotOffered, match="changed"):
        replace("safe.py", b"another text", b"mended")
    assert (here / "safe.py").read_text() == SAFE
    assert sorted(os.listdir(here)) == ["safe.py", "unsafe.py"]


def test_a_file_that_cannot_be_written_is_trouble(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    assert main(["--fix", *ONLY, "safe.py"]) == 2
    assert "safe.py" in capsys.readouterr().out
    assert (here / "safe.py").read_text() == SAFE
