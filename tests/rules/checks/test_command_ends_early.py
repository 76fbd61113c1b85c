"""LL019 against bash itself: what ends a command, and what a continued line passes on."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from lora_lint.read.shell.reader import read_text
from lora_lint.read.shell.scan import WHY

HEAD = "swift sft --model m --lora_rank 8"
ENDS = {
    "blank": f"{HEAD} \\ \n --lora_alpha 16\n",
    "return": f"{HEAD} \\\r\n --lora_alpha 16\r\n",
    "behind": f"{HEAD} \\ # a rank\n --lora_alpha 16\n",
    "comment": f"{HEAD} # a rank \\\n --lora_alpha 16\n",
    "line": f"{HEAD} \\\n # --seed 1 \\\n --lora_alpha 16\n",
    "empty": f"{HEAD} \\\n\n --lora_alpha 16\n",
    "missing": f"{HEAD}\n --lora_alpha 16\n",
}
GOES_ON = {
    "continued": f"{HEAD} \\\n --lora_alpha 16\n",
    "in a word": f"{HEAD} --lora_\\\nalpha 16\n",
    "no blank before": f"{HEAD}\\\n --lora_alpha 16\n",
    "in quotes": f'A="--lora_alpha \\\n 16"\n{HEAD} $A\n',
    "single quotes": f"A='--lora_alpha\n16'\n{HEAD} $A\n",
    "array": f'A=(--lora_alpha # a comment\n\n 16)\n{HEAD} "${{A[@]}}"\n',
    "prefix": f'A="--lora"\n{HEAD} ${{A}}_alpha=16\n',
}


def _by_bash(script: str) -> tuple[list[str], str]:
    """The arguments that the program gets, one a line, and what bash complains of."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    program = 'swift() { printf "%s\\n" "$@"; }\n'
    done = subprocess.run([bash, "-c", program + script], capture_output=True, text=True)
    return done.stdout.splitlines(), done.stderr


def test_every_reason_is_compared() -> None:
    assert set(ENDS) == set(WHY)


@pytest.mark.parametrize("why", ENDS)
def test_bash_drops_what_is_reported(why: str) -> None:
    arguments, complaint = _by_bash(ENDS[why])
    assert arguments[:5] == ["sft", "--model", "m", "--lora_rank", "8"]
    assert "--lora_alpha" not in arguments
    assert "--lora_alpha: command not found" in complaint
    (recipe,) = read_text(ENDS[why], "t.sh")
    assert recipe.known("dropped_options") == ["--lora_alpha"]
    assert recipe.settings["dropped_options"].source == WHY[why]
    assert recipe.known("r") == 8
    assert recipe.settings["lora_alpha"].key != "--lora_alpha"


@pytest.mark.parametrize("how", GOES_ON)
def test_bash_passes_on_what_is_read(how: str) -> None:
    arguments, complaint = _by_bash(GOES_ON[how])
    assert "16" in arguments[-1]
    assert not complaint
    (recipe,) = read_text(GOES_ON[how], "t.sh")
    assert recipe.known("lora_alpha") == 16
    assert recipe.known("r") == 8
    assert "dropped_options" not in recipe.settings


def test_bash_runs_what_stands_above_and_complains_when_it_has_ended() -> None:
    script = f"{HEAD} \\ \n --lora_alpha 16\necho $?\n"
    arguments, complaint = _by_bash(script)
    assert arguments[-1] == "127"
    assert complaint.count("command not found") == 1
    assert arguments[-2] == " ", "the blank behind the backslash is an argument of its own"
