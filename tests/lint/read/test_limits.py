"""Every limit of a reader that is reached is reported (small limits, so that files are small)."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from lora_lint.read import recipes
from lora_lint.read.dispatch import read
from lora_lint.read.python import branches, order, worlds
from lora_lint.read.reading import Reading
from lora_lint.sources.source import Source

HEADER = """
import sys
from peft import LoraConfig, get_peft_model
"""


def reading(body: str) -> Reading:
    return read(Source("train.py", "python", (HEADER + dedent(body)).encode()))


def notes(body: str) -> str:
    return "\n".join(reading(body).notes)


DECIDED = """
kind = "a" if sys.argv[1] else "b"
if kind == "a":
    r = 8
else:
    r = 16
if kind == "b":
    alpha = 16
else:
    alpha = 32
c = LoraConfig(r=r, lora_alpha=alpha)
"""


def test_more_ways_through_tests_than_are_distinguished(monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    if sys.argv[1]:
        kind = "a"
    elif sys.argv[2]:
        kind = "b"
    else:
        kind = "c"
    if kind != "c":
        r = 8
    else:
        r = 16
    c = LoraConfig(r=r, lora_alpha=16)
    """
    assert notes(body) == ""
    monkeypatch.setattr(branches, "BRANCH_WAYS", 1)
    assert "line 11: more than 1 ways" in notes(body)


def test_tests_that_take_too_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notes(DECIDED) == ""
    monkeypatch.setattr(branches, "BRANCH_STEPS", 1)
    assert "tests take more than 1 steps" in notes(DECIDED)


@pytest.mark.parametrize(("limit", "value"), [("CHOICE_PAIRS", 1), ("CHOICE_ROUNDS", 0)])
def test_choices_that_are_not_compared(
    limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert notes(DECIDED) == ""
    monkeypatch.setattr(worlds, limit, value)
    assert "too many choices" in notes(DECIDED)


def test_functions_that_are_not_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
    def first():
        print(1)
        print(2)

    def second():
        c = LoraConfig(r=8, lora_alpha=16)
        return c
    """
    assert notes(body) == ""
    monkeypatch.setattr(order, "STATEMENTS", 5)
    assert "line 9: its functions take more than 5 statements" in notes(body)


COMMAND = "swift sft --model m/m-8B --lora_rank 8 --lora_alpha 16 --dataset d"


def test_commands_of_a_script_are_read_as_far_as_the_budget_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recipes, "RECIPES", 2)
    found = read(Source("t.sh", "shell", f"{COMMAND}\n{COMMAND}\n{COMMAND}\n".encode()))
    assert [recipe.span.line for recipe in found.recipes] == [1, 2]
    assert found.notes == (
        "line 3: it holds more than 2 recipes: those from here on are not checked",
    )


def test_cells_of_shell_are_read_as_far_as_the_budget_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recipes, "RECIPES", 2)
    python = "from peft import LoraConfig\nc = LoraConfig(r=8)"
    shell = f"%%bash\n{COMMAND}"
    found = read(Source("n.ipynb", "notebook", notebook(shell, python, shell)))
    assert [recipe.span.cell for recipe in found.recipes] == [2, 1]
    (note,) = found.notes
    assert note.startswith("cell 3, line 2: it holds more than 2 recipes")
    found = read(Source("n.ipynb", "notebook", notebook(shell, shell, shell)))
    assert [recipe.span.cell for recipe in found.recipes] == [1, 2]
    assert len(found.notes) == 1


def notebook(*cells: str) -> bytes:
    sources = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": sources}).encode()
