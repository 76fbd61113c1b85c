"""Signals for programs that tests start."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """What a background job starts has Ctrl-C ignored; what a terminal starts has not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
