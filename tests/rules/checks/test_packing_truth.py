"""What the page of LL903 says of the installed TRL, by running it."""

from __future__ import annotations

import sys

import pytest

from conftest import ROOT

sys.path.append(str(ROOT / "tools" / "evidence"))
from packing_isolation import moved

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_only_wrapped_examples_see_each_other(attention: str) -> None:
    pytest.importorskip("trl")
    assert moved(attention, "bfd") == 0
    assert moved(attention, "wrapped") > 0.1
