"""``--watch`` as a terminal meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lora_lint.cli.main import main
from lora_lint.engine.watch import seen
from lora_lint.sources.pins import search
from signals import hear_ctrl_c

BAD = "from peft import LoraConfig\n\nconfig = LoraConfig(r=8, lora_alpha=0)\n"


def put(path: Path, text: str) -> None:
    """In one step, so that nobody sees the file half written."""
    half = path.with_name("half.tmp")
    half.write_text(text)
    half.replace(path)


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_it_lints_again_after_each_change_until_ctrl_c(tmp_path: Path) -> None:
    script = tmp_path / "a.py"
    script.write_text(BAD)
    process = subprocess.Popen(
        [sys.executable, "-m", "lora_lint", "--watch", "-q", "."],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=hear_ctrl_c,
    )

    def until_it_watches() -> str:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "watching" in line:
                break
        return "".join(lines)

    try:
        assert "LL101" in until_it_watches()
        put(script, BAD.replace("=0", "=16"))
        assert "LL101" not in until_it_watches()
        put(tmp_path / "b.py", BAD)
        assert "b.py:3" in until_it_watches()
        put(tmp_path / "lora-lint.toml", "ignore = 1\n")
        until_it_watches()
        put(tmp_path / "lora-lint.toml", 'ignore = ["LL101"]\n')
        assert "LL101" not in until_it_watches()
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert err.count("\n") == 1
    assert "ignore must be a list of texts" in err


def test_settings_above_a_file_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.py").write_text(BAD)
    before = seen([str(tmp_path / "deep" / "a.py")])
    (tmp_path / "pyproject.toml").write_text("")
    after = seen([str(tmp_path / "deep" / "a.py"), str(tmp_path / "gone.py")])
    assert set(after) - set(before) == {str(tmp_path / "pyproject.toml")}


def test_what_pins_versions_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "requirements").mkdir()
    (tmp_path / "deep" / "a.py").write_text(BAD)
    files = [str(tmp_path / "deep" / "a.py")]
    before = seen(files)
    wanted = {str(tmp_path / name) for name in ("uv.lock", "Dockerfile", "requirements/a.txt")}
    for path in wanted:
        Path(path).write_text("")
    search.forget()
    assert set(seen(files)) - set(before) == wanted


def test_standard_input_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--watch", "-"]) == 2
    assert "standard input" in capsys.readouterr().err
