"""LL029 against bash itself: the words that a program gets."""

from __future__ import annotations

import argparse
import shutil
import subprocess

import pytest

from lora_lint.read.shell.reader import read_text

HEAD = "swift sft --model m --lora_rank 8"
CUT = {
    "comma": (f"{HEAD} --target_modules q_proj, v_proj\n", ["q_proj,", "v_proj"]),
    "equals": (f"{HEAD} --seed = 3\n", ["--seed", "=", "3"]),
    "blank": (f"{HEAD} \\   --seed 3\n", [" ", "--seed", "3"]),
    "quote": (
        f'{HEAD} --output_dir="D:/out\\" --seed=3 --logging_dir="D:/log\n',
        ['--output_dir=D:/out" --seed=3 --logging_dir=D:/log'],
    ),
}


def _by_bash(script: str) -> list[str]:
    """The arguments that the program gets."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    program = 'swift() { printf "%s\\n" "$@"; }\n'
    done = subprocess.run([bash, "-c", program + script], capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("why", CUT)
def test_bash_gives_other_words(why: str) -> None:
    script, words = CUT[why]
    assert _by_bash(script)[5:][-len(words) :] == words
    (recipe,) = read_text(script, "t.sh")
    assert recipe.known("r") == 8
    found = recipe.known("miscut_words")
    assert isinstance(found, list)
    assert found[0] == why


def test_argparse_refuses_the_word_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lora_target")
    parser.add_argument("--target_modules", nargs="+")
    with pytest.raises(SystemExit):
        parser.parse_args(["--lora_target", "a,", "b"])
    assert "unrecognized arguments: b" in capsys.readouterr().err
    assert parser.parse_args(["--target_modules", "a,", "b"]).target_modules == ["a,", "b"]
