"""Edits in JSON files and in the flags of shell scripts."""

from __future__ import annotations

import pytest

from fixing import edited
from lora_lint.fix.text import NotOffered
from lora_rules.engine.problem import Add, Remove, Rename, Set

JSON = '{\n\t"peft_type": "LORA",\n\t"r": 4,\n\t"lora_alpha": 8,\n\t"bias": "all"\n}\n'


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (JSON, Set("r", 16), JSON.replace('"r": 4', '"r": 16')),
        (JSON, Set("bias", "none"), JSON.replace('"all"', '"none"')),
        (JSON, Remove("bias"), JSON.replace(',\n\t"bias": "all"', "")),
        (JSON, Remove("r"), JSON.replace('"r": 4,\n\t', "")),
        (JSON, Add("lora_dropout", 0.1), JSON.replace('"all"', '"all",\n\t"lora_dropout": 0.1')),
        (JSON.replace("\n\t", " "), Add("lora_dropout", 0.1),
         JSON.replace("\n\t", " ").replace('"all"', '"all", "lora_dropout": 0.1')),
        (JSON.replace('"r"', '"rank"').replace("LORA", "lora"), Rename("rank", "r"),
         JSON.replace("LORA", "lora")),
    ],
)  # fmt: skip
def test_json(before: str, edit: object, after: str) -> None:
    assert edited(before, "adapter_config.json", edit) == after  # type: ignore[arg-type]


def test_a_null_in_json_is_filled_in() -> None:
    before = JSON.replace('"all"', '"none", "lora_dropout": null')
    after = edited(before, "adapter_config.json", Add("lora_dropout", 0.1))
    assert after == before.replace("null", "0.1")


SHELL = """\
#!/bin/bash
swift sft \\
    --model m \\
    --train_type lora \\
    --lora_rank 4 \\
    --lora_alpha 8  # eight
"""


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (SHELL, Set("r", 16), SHELL.replace("rank 4", "rank 16")),
        (SHELL.replace("rank 4", "rank=4"), Set("r", 16), SHELL.replace("rank 4", "rank=16")),
        (SHELL.replace("rank 4", "rank '4'"), Set("r", 16), SHELL.replace("rank 4", "rank '16'")),
        (SHELL, Remove("r"), SHELL.replace("    --lora_rank 4 \\\n", "")),
        (SHELL, Add("lora_dropout", 0.1),
         SHELL.replace("--lora_alpha 8", "--lora_alpha 8 \\\n    --lora_dropout 0.1")),
        ("swift sft --model m --lora-rank 4\n", Add("lora_dropout", 0.1),
         "swift sft --model m --lora-rank 4 --lora-dropout 0.1\n"),
        ("swift sft --model m --lora_rank=4 --x 1\n", Add("lora_dropout", 0.1),
         "swift sft --model m --lora_rank=4 --lora_dropout=0.1 --x 1\n"),
        ("swift sft --model m --lora_rnk 4 --lora_alpha 8\n", Rename("lora_rnk", "lora_rank"),
         "swift sft --model m --lora_rank 4 --lora_alpha 8\n"),
        ("python -m openrlhf.cli.train_sft --lora_rank=4\n", Rename("lora_rank", "ds.lora.rank"),
         "python -m openrlhf.cli.train_sft --ds.lora.rank=4\n"),
        ("swift sft --model m --lora_rank 4 --lora_alpha 8\n", Remove("r"),
         "swift sft --model m --lora_alpha 8\n"),
    ],
)  # fmt: skip
def test_shell(before: str, edit: object, after: str) -> None:
    assert edited(before, "a.sh", edit) == after  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["$R", '"$R"', "${R:-4}", "$(nproc)"])
def test_a_variable_is_left_alone(word: str) -> None:
    with pytest.raises(NotOffered):
        edited(f"R=4\nswift sft --model m --lora_rank {word}\n", "a.sh", Set("r", 16))


def test_a_shell_cell_of_a_notebook() -> None:
    before = (
        '{"cells": [{"cell_type": "code", "source": ["%%bash\\n", "swift sft --lora_rank 4"]}]}'
    )
    after = edited(before, "n.ipynb", Set("r", 16))
    assert after == before.replace("rank 4", "rank 16")
