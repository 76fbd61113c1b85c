"""What is reported of the mistakes that nobody here had seen when the rules were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from unseen_cases import FIRST, FOLDER, Unseen, unseen

THREADS = unseen()


@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: f"{thread.set}-{thread.id}")
def test_the_true_reason_is_reported_where_the_table_says_so(
    thread: Unseen, tmp_path: Path
) -> None:
    reported = thread.reported(tmp_path / "made")
    assert {(code, thread.line) for code in thread.codes} <= reported


def test_the_table_is_whole() -> None:
    assert len({(thread.set, thread.id) for thread in THREADS}) == len(THREADS) > 0
    for thread in THREADS:
        assert thread.first in FIRST, thread.id
        assert thread.source.startswith("https://"), thread.id
        assert thread.path.is_file(), thread.file
        assert thread.names_rules(), (thread.id, thread.codes)


def test_every_file_belongs_to_a_thread() -> None:
    known = {(thread.set, Path(thread.file).parts[0]) for thread in THREADS}
    sets = {thread.set for thread in THREADS}
    there = {(name, path.name) for name in sets for path in (FOLDER / name).iterdir()}
    assert there == known
