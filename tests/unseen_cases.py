"""Mistakes of public threads that nobody here had seen: collected and rebuilt before the first run.

``data/unseen/python.jsonl`` and ``config.jsonl`` hold a thread a line: where it was reported, what
is wrong and at which line, what was reported at first (``first``: of the U at 0a3f288, of the V,
which are six more, at 0a9aae2), and the codes that name the true reason today (``codes``). A
rebuilt file is never changed to be reported.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.sources.discover import load
from lora_rules.engine.registry import all_rules

FOLDER = Path(__file__).parent / "data" / "unseen"
FIRST = ("true", "other", "info", "missed")
"""What the first run reported: the true reason visibly, something else visibly, the true reason
where nobody sees it, nothing."""


class Unseen(NamedTuple):
    """One thread and its file."""

    id: str
    set: str
    """``python`` or ``config``: the folder of its file."""
    file: str
    """Below that folder; one in a folder of its own is linted with what lies beside it."""
    source: str
    kind: str
    wrong: str
    line: int
    codes: list[str]
    """Each of them names the true reason, and is an error or a warning at the line."""
    first: str
    cell: int | None = None
    framework: str = ""
    gpu: tuple[str, int] | None = None
    """What the reporter said to train on: which GPU, and how many."""

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / self.set / self.file

    def reported(self, made: Path) -> set[tuple[str, int]]:
        """The codes of the certain errors and warnings, with their lines.

        Args:
            made: a folder that is not there yet, outside of any repository whose pins would count.
        """
        if self.path.parent == FOLDER / self.set:
            made.mkdir()
            shutil.copy(self.path, made)
        else:
            shutil.copytree(self.path.parent, made)
        source = load(str(made / self.path.name))
        if source is None:
            return set()
        gpus = {} if self.gpu is None else dict(zip(("gpu", "gpu_count"), self.gpu, strict=True))
        report = check(source, Config(), gpus)
        assert not (self.codes and report.unreadable), (self.path, report.unreadable)
        return {
            (code, found.span.line)
            for found in report.findings
            for code in {found.code, found.full_code}
            if found.certain and found.suppressed is None and found.severity.word != "info"
        }

    def names_rules(self) -> bool:
        """Whether each code is a rule's, or a refusal of one."""
        return {code.partition(":")[0] for code in self.codes} <= set(all_rules())


def unseen() -> list[Unseen]:
    """All of them, of every set that is there."""
    found = []
    for name in ("python", "config"):
        table = FOLDER / f"{name}.jsonl"
        lines = table.read_text().splitlines() if table.exists() else []
        found += [_thread(name, json.loads(line)) for line in lines]
    return found


def _thread(name: str, row: dict[str, Any]) -> Unseen:
    return Unseen(set=name, **row)
