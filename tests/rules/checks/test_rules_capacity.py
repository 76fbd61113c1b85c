"""LL202: the adapter's parameters against the tokens of the answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from told import findings, told

ONE_RANK = """\
base_model: HuggingFaceTB/SmolLM-135M
datasets: [{path: data.jsonl, type: alpaca}]
adapter: lora
lora_r: 1
lora_alpha: 32
lora_target_modules: [q_proj]
sequence_len: 512
"""
"""30 layers x (576 + 576): 34,560 parameters."""


def with_answers(folder: Path, rows: int, *, name: str = "output", length: int = 480) -> str:
    """A recipe's path beside rows that hold 60 tokens of answer each, at eight characters."""
    texts = (f"{number:06}".ljust(length, "x") for number in range(rows))
    lines = (json.dumps({"instruction": "n", name: text}) + "\n" for text in texts)
    (folder / "data.jsonl").write_text("".join(lines))
    return str(folder / "train.yaml")


@pytest.mark.parametrize(
    ("rows", "severity"), [(576, None), (577, "info"), (1151, "info"), (1152, "warning")]
)
def test_tokens_for_each_parameter(tmp_path: Path, rows: int, severity: str | None) -> None:
    path = with_answers(tmp_path, rows)
    assert told(ONE_RANK, "LL202", path=path) == ([("LL202", severity)] if severity else [])


def test_a_rank_with_a_parameter_a_token_is_offered(tmp_path: Path) -> None:
    (one,) = findings(ONE_RANK, "LL202", path=with_answers(tmp_path, 1152))
    assert "34,560 trained parameters for at least 69,120 tokens" in one.message
    assert "r = 2 " in one.help


def test_a_row_counts_once(tmp_path: Path) -> None:
    path = with_answers(tmp_path, 1152)
    file = tmp_path / "data.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0] * 5000)
    assert told(ONE_RANK, "LL202", path=path) == []


@pytest.mark.parametrize("change", [{"name": "text"}, {"length": 520}])
def test_what_may_be_masked_or_cut_off_does_not_count(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = with_answers(tmp_path, 2000, **change)
    assert told(ONE_RANK, "LL202", path=path) == []
