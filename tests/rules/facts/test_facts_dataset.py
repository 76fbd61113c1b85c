"""Rows are counted or bounded, never guessed."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lora_lint.sources import rows as row_files
from lora_lint.sources.parquet import count_rows
from lora_rules.engine.value import Unknown
from lora_rules.facts.data.dataset import Rows, dataset_rows
from repositories import beside

THREE_ROWS = Path(__file__).parent.parent.parent / "data" / "three_rows.parquet"
"""Written by pyarrow 26.0.1: columns a (int64) and b (bool with a null), three rows."""


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n   \n{"a": 3}', 3),
        ("a.jsonl", "", 0),
        ("a.json", '[{"a": 1}, {"a": 2}]', 2),
        ("a.json", '\n  [\n{"a": 1},\n{"a": 2}\n]', 2),
        ("a.json", '\ufeff[{"a": 1}]', 1),
        ("a.json", '{"a": 1}\n{"a": 2}\n{"a": 3}\n', 3),
        ("a.csv", 'text,label\n"two\nlines",1\nplain,0\n', 2),
        ("a.csv", "text,label\n", 0),
        ("a.tsv", 'text\tlabel\n"a\nb"\t1\n', 1),
    ],
)
def test_local_files(tmp_path: Path, name: str, text: str, rows: int) -> None:
    assert dataset_rows(train_dataset=_write(tmp_path, name, text), repository=beside()) == Rows(
        rows, exact=True
    )


def test_parquet() -> None:
    assert count_rows(str(THREE_ROWS)) == 3
    assert dataset_rows(train_dataset=str(THREE_ROWS), repository=beside()) == Rows(3, exact=True)


@pytest.mark.parametrize("cut", [0, 4, 11, 100, -1, -8])
def test_damaged_parquet(tmp_path: Path, cut: int) -> None:
    (tmp_path / "a.parquet").write_bytes(THREE_ROWS.read_bytes()[:cut])
    with pytest.raises(Unknown):
        dataset_rows(train_dataset=str(tmp_path / "a.parquet"), repository=beside())


@given(some.binary(max_size=200))
def test_any_footer_is_a_number_or_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    path.write_bytes(b"PAR1" + data + len(data).to_bytes(4, "little") + b"PAR1")
    with suppress(ValueError):
        assert count_rows(str(path)) >= 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"data": [1,\n2]}'),
        ("a.json", "[1, 2"),
        ("a.json", "3"),
        ("a.json", "[" * 100_000),
        ("a.parquet", "no parquet at all"),
        ("a.txt", "line\n"),
        ("a", "line\n"),
    ],
)
def test_what_cannot_be_counted(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(Unknown):
        dataset_rows(train_dataset=_write(tmp_path, name, text), repository=beside())


def test_large_files_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, "a.jsonl", "{}\n{}\n")
    monkeypatch.setattr(row_files, "MAX_FILE_BYTES", 3)
    with pytest.raises(Unknown, match="2 GiB"):
        dataset_rows(train_dataset=path, repository=beside())


def test_declared_wins(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.jsonl", "{}\n{}\n")
    assert dataset_rows(
        train_rows=7, train_dataset=path, max_samples=1, repository=beside()
    ) == Rows(7, exact=True)


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train[:500]", 500),
        ("train[100:600]", 500),
        ("train[-300:]", 300),
        ("train[:100]+test[:20]", 120),
        ("train[600:100]", 0),
    ],
)
def test_a_slice_of_an_unknown_data_set_is_a_bound(split: str, rows: int) -> None:
    bound = Rows(rows, exact=False)
    assert (
        dataset_rows(train_dataset="tatsu-lab/alpaca", dataset_split=split, repository=beside())
        == bound
    )
    assert dataset_rows(dataset_split=split) == bound


@pytest.mark.parametrize(
    "split", ["train", "train[:1%]", "train[500:]", "train[:-5]", "train[-9:5]", "train[a:b]"]
)
def test_a_slice_that_bounds_nothing(split: str) -> None:
    with pytest.raises(Unknown):
        dataset_rows(train_dataset="tatsu-lab/alpaca", dataset_split=split, repository=beside())


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train", 10),
        ("train[:500]", 10),
        ("train[:3]", 3),
        ("train[2:]", 8),
        ("train[-4:]", 4),
        ("train[:-4]", 6),
        ("train[:50%]", 5),
        ("train[:10%]+train[-20%:]", 3),
        ("train[:26%]", 3),  # to the closest row, as `datasets` does: 2.6
        ("train[:24%]", 2),
        ("train[76%:]", 2),
    ],
)
def test_a_slice_of_a_local_file_is_exact(tmp_path: Path, split: str, rows: int) -> None:
    path = _write(tmp_path, "a.jsonl", "{}\n" * 10)
    assert dataset_rows(train_dataset=path, dataset_split=split, repository=beside()) == Rows(
        rows, exact=True
    )


def test_max_samples(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.jsonl", "{}\n" * 10)
    assert dataset_rows(train_dataset=path, max_samples=4, repository=beside()) == Rows(
        4, exact=True
    )
    assert dataset_rows(train_dataset=path, max_samples=40, repository=beside()) == Rows(
        10, exact=True
    )
    assert dataset_rows(train_dataset="org/name", max_samples=40, repository=beside()) == Rows(
        40, exact=False
    )
    assert dataset_rows(train_dataset=["a/b", "c/d"], max_samples=40, repository=beside()) == Rows(
        80, exact=False
    )
    assert dataset_rows(train_dataset=[path, "c/d"], max_samples=40, repository=beside()) == Rows(
        50, exact=False
    )


def test_nothing_known() -> None:
    for arguments in ({}, {"train_dataset": "org/name"}, {"train_dataset": []}):
        with pytest.raises(Unknown):
            dataset_rows(**arguments)  # type: ignore[arg-type]


def test_beside_the_recipe_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    repository = beside(str(tmp_path / "configs" / "a.yaml"))
    _write(tmp_path, "here.jsonl", "{}\n")
    _write(tmp_path / "configs", "beside.jsonl", "{}\n{}\n")
    monkeypatch.chdir(tmp_path)
    assert dataset_rows(train_dataset="here.jsonl", repository=repository).number == 1
    assert dataset_rows(train_dataset="beside.jsonl", repository=repository).number == 2
    _write(tmp_path / "configs", "here.jsonl", "{}\n{}\n")
    with pytest.raises(Unknown, match="twice"):
        dataset_rows(train_dataset="here.jsonl", repository=repository)


def test_json_of_another_shape_is_no_data(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.json", json.dumps({"train": [1, 2]}, indent=1))
    with pytest.raises(Unknown):
        dataset_rows(train_dataset=path, repository=beside())
