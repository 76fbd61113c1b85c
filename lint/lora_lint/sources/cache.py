"""What was found in a file before, kept by content: the same bytes are not checked twice.

An entry's name is a hash of all that the answer follows from: the bytes and their path, this
program's own code, the settings in force, the names of the requirement files beside the file. What
was looked for in other files (requirements, a dataset, a model's ``config.json``) is written into
the entry, whether it was there or not, and looked at again before the entry is believed; so are the
programs of the repository, where imports were followed.

Entries are JSON, because reading JSON runs nothing. Each is a file of its own that is put in place
in one step, so that runs at the same time do not disturb each other; one that cannot be read is as
good as none, and a folder that cannot be written to only costs time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b
from json import dumps, loads

import lora_lint
import lora_rules
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding, NotChecked
from lora_lint.sources import programs
from lora_lint.sources.pins.search import fingerprint
from lora_lint.sources.source import Source
from lora_rules.engine import problem
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.problem import Safety, Severity
from lora_rules.recipe import Span

_HUB = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME")
"""Variables that say where the hub's files are, which facts look for."""
SMALL = 2**20
"""Bytes up to which another file is compared by its content; above, by what ``stat`` says."""
DAY = 24 * 3600
KEPT = 30 * DAY
"""Seconds after which an entry that nobody asked for is deleted."""
_ENDING = ".json"
_PRUNED = "pruned"


class Cache:
    """The entries in one folder, for one command line."""

    def __init__(self, folder: str, declared: Mapping[str, Any]) -> None:
        """Use a folder, which need not be there.

        Args:
            folder: where the entries are.
            declared: what was declared on the command line, by setting.
        """
        self.folder = folder
        places = (os.getcwd(), *(os.environ.get(name) for name in _HUB))
        self._run = repr((own_code(), sys.version_info[:3], places, sorted(declared.items())))
        self._now = time.time()
        self._programs: dict[str, str] = {}
        """What was seen of the programs of each repository, once in a run."""

    def key(self, source: Source, config: Config) -> str:
        """The name of what is known about a file under the settings in force for it."""
        folder = os.path.dirname(os.path.abspath(source.path))
        about = (source.path, source.kind, _told(config), fingerprint(folder))
        digest = blake2b(source.data, digest_size=20, key=b"lora-lint")
        digest.update(repr((self._run, about)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def get(self, key: str, source: Source) -> FileReport | None:
        """What was found in the file, if that is known and still holds."""
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                entry = loads(file.read())
            if any(self._state(name) != seen for name, seen in entry["elsewhere"].items()):
                return None
            report = _report(entry["report"])
            report = report._replace(depends_on=frozenset(entry["elsewhere"]))
            if os.stat(path).st_mtime < self._now - DAY:
                os.utime(path)  # asked for: not to be deleted yet
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None
        return _with_lines(report, source) if report.findings or report.elsewhere else report

    def put(self, key: str, report: FileReport) -> None:
        """Keep what was found in a file, as long as the files that it depends on stay the same."""
        bare = _bare(report)
        try:
            written = _written(bare)
            text = dumps(
                {
                    "elsewhere": {name: self._state(name) for name in sorted(report.depends_on)},
                    "report": written,
                },
                allow_nan=False,
                separators=(",", ":"),
            )
            if _report(loads(text)["report"]) == bare:  # tuples and the like do not survive JSON
                self._write(self._path(key), text)
        except (OSError, ValueError, TypeError, RecursionError):
            return

    def _state(self, name: str) -> list[int] | str | None:
        if not programs.is_named(name):
            return state(name)
        if name not in self._programs:
            self._programs[name] = programs.seen(name)
        return self._programs[name]

    def _path(self, key: str) -> str:
        return os.path.join(self.folder, key[:2], key[2:] + _ENDING)

    def _write(self, path: str, text: str) -> None:
        half = f"{path}.{os.getpid()}"
        try:
            file = open(half, "w", encoding="utf-8")  # noqa: SIM115
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            file = open(half, "w", encoding="utf-8")  # noqa: SIM115
        with file:
            file.write(text)
        os.replace(half, path)

    def prune(self) -> None:
        """Delete what nobody asked for in a month; looked into once a day."""
        mark = os.path.join(self.folder, _PRUNED)
        try:
            if os.path.exists(mark) and os.stat(mark).st_mtime > self._now - DAY:
                return
            with open(mark, "w", encoding="utf-8"):
                pass
            for entry in os.scandir(self.folder):
                if entry.is_dir(follow_symlinks=False) and len(entry.name) == 2:
                    _prune(entry.path, self._now - KEPT)
        except OSError:
            return


def _told(config: Config) -> str:
    """The settings that an answer follows from; the others only choose what is shown of it."""
    shown = config._replace(
        fail_on="", min_severity="", pedantic=False, exclude=(), force_exclude=False
    )
    return repr(shown)


def _prune(folder: str, before: float) -> None:
    for entry in os.scandir(folder):
        if entry.stat(follow_symlinks=False).st_mtime < before:
            os.remove(entry.path)


def state(path: str) -> list[int] | str | None:
    """What can be seen of a file: its content's hash, or of a large one what ``stat`` says.

    ``None`` when there is no such file.
    """
    try:
        seen = os.stat(path)
        if seen.st_size > SMALL or not os.path.isfile(path):
            return [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino]
        with open(path, "rb") as file:
            return blake2b(file.read(), digest_size=20).hexdigest()
    except (OSError, ValueError):
        return None


@cache
def own_code() -> str:
    """A hash over the names, sizes and times of this program's files: any change makes it anew."""
    digest = blake2b(lora_lint.__version__.encode(), digest_size=20)
    for package in (lora_rules, lora_lint):
        for root in package.__path__:
            for path, entry in _files(root):
                seen = entry.stat()
                digest.update(f"{path}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _files(folder: str) -> Iterable[tuple[str, os.DirEntry[str]]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from _files(entry.path)
        else:
            yield entry.path, entry


def _with_lines(report: FileReport, source: Source) -> FileReport:
    from lora_lint.read.dispatch import cells

    report = _with_others(report)
    if report.elsewhere:
        report = report._replace(
            elsewhere=tuple(
                _with_others(each)._replace(lines=_lines_of(each.path)) for each in report.elsewhere
            )
        )
    if source.kind == "notebook":
        return report._replace(cells=tuple(tuple(c.splitlines()) for c in cells(source.text)))
    return report._replace(lines=tuple(source.text.splitlines()))


def _with_others(report: FileReport) -> FileReport:
    others = tuple((path, _lines_of(path)) for path, _ in report.others)
    return report._replace(others=others)


def _lines_of(path: str) -> tuple[str, ...]:
    """The lines of another file, which is as it was: the entry depends on it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return tuple(file.read().splitlines())
    except OSError:
        return ()


def _bare(report: FileReport) -> FileReport:
    """The report without the texts of files, which are read again."""
    return report._replace(
        lines=(),
        cells=(),
        depends_on=frozenset(),
        others=tuple((path, ()) for path, _ in report.others),
        elsewhere=tuple(_bare(each) for each in report.elsewhere),
    )


def _written(report: FileReport) -> dict[str, Any]:
    members = report._asdict()
    del members["depends_on"]
    members["elsewhere"] = [_written(each) for each in report.elsewhere]
    members["findings"] = [_written_finding(finding) for finding in report.findings]
    return members


def _written_finding(finding: Finding) -> dict[str, Any]:
    members = finding._asdict()
    members["edits"] = [[type(edit).__name__, *edit] for edit in finding.edits]
    return members


_EDITS: Mapping[str, Any] = {
    name: getattr(problem, name) for name in ("Set", "Remove", "Rename", "Add")
}


def _report(members: dict[str, Any]) -> FileReport:
    for name in ("lines", "cells", "dialects", "failures"):
        members[name] = tuple(members[name])
    members["not_checked"] = tuple(NotChecked(*each) for each in members["not_checked"])
    members["findings"] = tuple(_finding(each) for each in members["findings"])
    members["elsewhere"] = tuple(_report(each) for each in members["elsewhere"])
    members["others"] = tuple((path, tuple(lines)) for path, lines in members["others"])
    members["suppressions"] = tuple(Span(*span) for span in members["suppressions"])
    return FileReport(**members)


def _finding(members: dict[str, Any]) -> Finding:
    members["severity"] = Severity(members["severity"])
    members["safety"] = Safety(members["safety"])
    members["span"] = Span(*members["span"])
    members["also"] = tuple((Span(*span), label) for span, label in members["also"])
    members["edits"] = tuple(_EDITS[name](*values) for name, *values in members["edits"])
    return Finding(**members)
