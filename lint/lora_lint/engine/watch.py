"""``--watch``: lint again whenever a file changes, until Ctrl-C.

Files are looked at, not subscribed to: that needs no library, and works on network drives.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from lora_lint.engine import config
from lora_lint.engine.run import TROUBLE
from lora_lint.sources.discover import MissingPath
from lora_lint.sources.pins import search

PAUSE = 0.5
"""Seconds between two looks, at least."""
SHARE = 20
"""One look may take a twentieth of the time: on a large tree, looks are further apart."""
SETTINGS = ("pyproject.toml", "lora-lint.toml", ".lora-lint.toml")
"""Files beside the linted ones that change what is said of them, with those that pin versions."""

Seen = dict[str, tuple[int, int]]
_CLEAR = "\x1b[2J\x1b[3J\x1b[H"


def watch(files: Callable[[], Iterable[str]], lint: Callable[[], int]) -> int:
    """Lint, and again after every change; ends with Ctrl-C, and with the last exit code.

    Args:
        files: finds the files to look at, anew each time.
        lint: does the work; the answer is the exit code.
    """
    code, before = 0, None
    try:
        while True:
            begin = time.monotonic()
            now = _seen(files)
            took = time.monotonic() - begin
            if now != before:
                before = now
                code = _tell(lint)
                sys.stdout.write(f"[{time.strftime('%H:%M:%S')}] watching; Ctrl-C ends\n")
                sys.stdout.flush()
            time.sleep(max(PAUSE, SHARE * took))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return code


def _seen(files: Callable[[], Iterable[str]]) -> Seen:
    """What is there now; nothing, while settings are broken or a path is gone."""
    config._cache.clear()
    search.forget()
    try:
        return seen(files())
    except (config.ConfigError, MissingPath) as error:
        return {str(error): (0, 0)}


def _tell(lint: Callable[[], int]) -> int:
    if sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
    try:
        code = lint()
    except (config.ConfigError, MissingPath) as error:
        sys.stderr.write(f"lora-lint: {error}\n")
        code = TROUBLE
    return code


def seen(files: Iterable[str]) -> Seen:
    """Each file with its size and time, and the settings and requirements in folders above them."""
    found: Seen = {}
    for path in _with_settings(files):
        try:
            status = os.stat(path)
        except OSError:
            continue
        found[path] = (status.st_size, status.st_mtime_ns)
    return found


def _with_settings(files: Iterable[str]) -> Iterator[str]:
    folders: set[str] = set()
    for path in files:
        yield path
        folder = os.path.dirname(os.path.abspath(path))
        while folder not in folders:
            folders.add(folder)
            names = (*SETTINGS, *search.names_in(folder))
            yield from (os.path.join(folder, name) for name in names)
            folder = os.path.dirname(folder)
