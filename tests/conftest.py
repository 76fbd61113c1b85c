"""What the tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _forget_settings() -> None:
    """Settings files are cached by folder; tests make new ones."""
    from lora_lint import config

    config._cache.clear()
