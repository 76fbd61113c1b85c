"""What is reported of the mistakes that people posted: it may become more, and never less."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_rules.engine.registry import all_rules
from thread_cases import FOLDER, Thread, recorded, threads

THREADS = threads()


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
    assert len(true) >= 45
