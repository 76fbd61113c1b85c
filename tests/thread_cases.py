"""The mistakes of public threads: files rebuilt from what people posted, and what is reported.

``data/threads/python.jsonl`` and ``config.jsonl`` describe a thread a line: its address, what went
wrong, why, and what a linter could say. ``data/threads/reported.json`` holds what is reported today
(``tools/thread_table.py`` writes it), and which of it names the true reason (by hand).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.discover import load
from lora_rules.facts.memory.gpu import UnknownGpu, find_gpu

FOLDER = Path(__file__).parent / "data" / "threads"
TABLE = FOLDER / "reported.json"


class Found(NamedTuple):
    """What a finding says of where and how much."""

    code: str
    severity: str
    line: int


class Thread(NamedTuple):
    """One thread and its file."""

    file: str
    """Below the folder of threads."""
    pins: tuple[str, ...]
    """What was installed then, where the mistake is one only with that."""
    declared: dict[str, Any]
    """The card that the thread names, if we know it."""
    decidable: bool
    """Whether the file shows the mistake."""
    kind: str
    """What went wrong."""
    at_first: bool
    """Whether version 0.1 reported the true reason."""

    @property
    def name(self) -> str:
        """``P004`` of ``python/004.py``."""
        kind, number, *_ = Path(self.file).with_suffix("").parts
        return kind[0].upper() + number

    def reported(self, folder: Path) -> list[str]:
        """Every certain finding of today as ``LL102:warning``, each once.

        Args:
            folder: an empty folder, outside of any repository whose pins would count.
        """
        found = self.findings(FOLDER / self.file, folder / self.file.replace("/", "-"))
        return sorted({f"{each.code}:{each.severity}" for each in found})

    def findings(self, path: Path, made: Path) -> list[Found]:
        """The certain findings of a file that stands for this thread, under its circumstances.

        Args:
            path: the thread's own file or a variant of it. What lies beside it is copied with it,
                unless it lies among the other threads.
            made: a folder that is not there yet, outside of any repository whose pins would count.
        """
        if path.parent.parent != FOLDER:
            shutil.copytree(path.parent, made)
        else:
            made.mkdir()
            shutil.copy(path, made)
        if self.pins:
            (made / "requirements.txt").write_text("\n".join(self.pins) + "\n")
        source = load(str(made / path.name))
        if source is None:  # it does not mention LoRA at all
            return []
        report = check(source, Config(), self.declared)
        assert report.unreadable is None, (path, report.unreadable)
        return [
            Found(found.code, found.severity.word, found.span.line)
            for found in report.findings
            if found.certain and found.suppressed is None
        ]


def threads() -> list[Thread]:
    """All of them."""
    rows = [
        json.loads(line)
        for kind in ("config", "python")
        for line in (FOLDER / f"{kind}.jsonl").read_text().splitlines()
    ]
    return [_thread(row) for row in rows]


def _thread(row: dict[str, Any]) -> Thread:
    card = row.get("gpu")
    if card and not _is_known(card[0]):
        card = None
    return Thread(
        row["file"],
        tuple(row["pins"]) if row.get("judged_with") == "period pins" else (),
        {"gpu": card[0], "gpu_count": card[1]} if card else {},
        row["today"] != "not_decidable",
        row["kind"],
        row["today"] == "caught",
    )


def _is_known(card: str) -> bool:
    try:
        find_gpu(card)
    except UnknownGpu:
        return False
    return True


class Recorded(NamedTuple):
    """What the table holds of a thread."""

    reported: list[str]
    true: list[str]
    """The codes that name the true reason, as errors or warnings."""

    def lost(self, now: list[str]) -> list[str]:
        """True reasons that are not reported any more."""
        seen = {each.partition(":")[0] for each in now if not each.endswith(":info")}
        return [code for code in self.true if code not in seen]


def recorded() -> dict[str, Recorded]:
    """The table."""
    rows = json.loads(TABLE.read_text())
    return {file: Recorded(row["reported"], row["true"]) for file, row in rows.items()}


VARIANTS = Path(__file__).parent / "data" / "variants"
"""``P004/expected.json`` with three files that make the same mistake in other words, and one that
does not make it: ``{"code": "LLB14", "thread": 17, "variants": {"a.py": 12, ...}, "repaired":
"repaired.py"}`` with the lines of the finding."""


class Variants(NamedTuple):
    """A thread's mistake written in other words, and without the mistake."""

    folder: Path
    code: str
    """Of the finding that names the true reason."""
    thread: int
    """The line of the finding in the thread's own file."""
    variants: dict[str, int]
    """Its line in each of the others."""
    repaired: str


def variants() -> list[Variants]:
    """All of them, in the order of the threads' names."""
    return [
        Variants(path.parent, **json.loads(path.read_text()))
        for path in sorted(VARIANTS.glob("*/expected.json"))
    ]
