"""What the tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("noisy")  # no test may fail because the machine is busy

ROOT = Path(__file__).parent.parent

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["data"]  # programs of others, to be read and never run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many of the official recipes the tests could read: fewer than all is no secret."""
    import official_recipes

    terminalreporter.write_line(official_recipes.summary())


@pytest.fixture(autouse=True)
def _forget_settings() -> None:
    """Settings files are cached by folder; tests make new ones."""
    from lora_lint.engine import config
    from lora_lint.sources.pins import search

    config._cache.clear()
    search.forget()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads what another left behind, or the user's settings, or writes to their folder."""
    monkeypatch.setenv("LORA_LINT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
