"""What is reported of the mistakes that people posted: it may become more, and never less."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_rules.engine.registry import all_rules
from thread_cases import FOLDER, Thread, Variants, recorded, threads, variants

THREADS = threads()
BY_NAME = {thread.name: thread for thread in THREADS}
VARIANTS = variants()


@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: thread.file)
def test_a_thread_is_reported_as_recorded(thread: Thread, tmp_path: Path) -> None:
    row, now = recorded()[thread.file], thread.reported(tmp_path)
    assert row.lost(now) == [], "the true reason was reported, and is not any more"
    assert now == row.reported, "run: python tools/thread_table.py"


def test_the_table_holds_every_thread_and_its_reasons_are_rules() -> None:
    rows = recorded()
    assert list(rows) == [thread.file for thread in THREADS]
    assert {code for row in rows.values() for code in row.true} <= set(all_rules())


def test_every_file_belongs_to_a_thread() -> None:
    known = {Path(thread.file).parts[:2] for thread in THREADS}
    there = {
        path.relative_to(FOLDER).parts[:2]
        for path in FOLDER.rglob("*")
        if path.is_file() and path.parent != FOLDER
    }
    assert there == known


def test_recall_is_at_least_what_it_was() -> None:
    """Of the decidable threads, those whose true reason is an error or a warning."""
    rows = recorded()
    true = [thread for thread in THREADS if thread.decidable and rows[thread.file].true]
    assert len(true) >= 93


@pytest.mark.parametrize("case", VARIANTS, ids=lambda case: case.folder.name)
def test_a_mistake_is_reported_however_it_is_written(case: Variants, tmp_path: Path) -> None:
    thread = BY_NAME[case.folder.name]
    files = {FOLDER / thread.file: case.thread}
    files |= {case.folder / name: line for name, line in case.variants.items()}
    for number, (path, line) in enumerate(files.items()):
        found = thread.findings(path, tmp_path / str(number))
        lines = {each.line for each in found if each.code == case.code}
        assert line in lines, f"{path}: {case.code} at {sorted(lines)}, not at {line}"
        severities = {each.severity for each in found if each.code == case.code}
        assert severities & {"error", "warning"}, f"{path}: {case.code} is not visible"


@pytest.mark.parametrize("case", VARIANTS, ids=lambda case: case.folder.name)
def test_the_repaired_file_is_silent(case: Variants, tmp_path: Path) -> None:
    found = BY_NAME[case.folder.name].findings(case.folder / case.repaired, tmp_path / "repaired")
    assert [each for each in found if each.severity != "info"] == []


def test_variants_are_complete() -> None:
    """Three other ways to write it, each file a case, each case with its own true reason."""
    for case in VARIANTS:
        true = recorded()[BY_NAME[case.folder.name].file].true
        assert case.code in true, case.folder.name
        assert len(case.variants) == 3, case.folder.name
        read = {*case.variants, case.repaired, "expected.json"}
        files = (path for path in case.folder.rglob("*") if path.is_file())
        there = {path.relative_to(case.folder).as_posix() for path in files}
        assert read <= there, (case.folder.name, read - there)
