"""Work grows as the input does: twice the size is about twice the steps, of every kind of file."""

from __future__ import annotations

import pytest

from growing import KINDS, SMALL, steps

MOST = 2.3
"""Times the steps for twice the size: what a logarithm, or a table that grows, may add to two."""
FEW = 2_000
"""Steps that a size may add before it is asked by how much they grow."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.replace(" ", "-"))
def test_twice_the_size_is_twice_the_work(kind: str) -> None:
    size = SMALL.get(kind, 24)
    steps(kind, 2)  # imports, and fills the tables that all files share
    one, two, four = (steps(kind, factor * size) for factor in (1, 2, 4))
    assert four - two <= max(MOST * (two - one), FEW)
