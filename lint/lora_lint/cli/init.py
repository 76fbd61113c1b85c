"""``lora-lint init``: looks at a repository, writes settings and hook, overwrites nothing."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator

from lora_lint.engine.config import ConfigError
from lora_lint.engine.run import CLEAN, Request, Run
from lora_lint.sources.discover import Found, discover
from lora_lint.sources.source import KINDS
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple, TextIO

SETTINGS = "lora-lint.toml"
SHARED = "pyproject.toml"
HOOKS = ".pre-commit-config.yaml"
HOOK = """\
  - repo: local
    hooks:
      - id: lora-lint
        name: lora-lint
        entry: lora-lint --force-exclude
        language: system
        types: [text]
        files: '(?i)\\.(py|ipynb|ya?ml|json|toml|(ba|z)?sh|slurm|sbatch)$|(^|/)[^./]+$'
        require_serial: true
"""
SCRIPTS = tuple(ending for ending, kind in KINDS.items() if kind == "shell")
_SLURM = lazily(
    r"^#SBATCH\s.*?(?:--gres=gpu|--gpus(?:-per-node)?)[:=]([A-Za-z][\w-]*)(?::(\d+))?", re.MULTILINE
)


class Repository(NamedTuple):
    """What was found."""

    files: int
    recipes: int
    dialects: Counter[str]
    findings: int
    gpu: str
    """Named by the user, or by the only kind that a Slurm script asks for."""
    gpu_from: str


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="lora-lint init",
        description="Look at this repository, write [tool.lora-lint] and the pre-commit hook. "
        "Nothing that is there is overwritten.",
    )
    parser.add_argument("--gpu", metavar="NAME", help="the GPU of the runs, as in --gpu of check")
    parser.add_argument("--baseline", action="store_true", help="count today's findings away")
    parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would be")
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code.

    Raises:
        ConfigError: for a GPU that is not known, or a file that cannot be written.
    """
    options = parser().parse_args(arguments)
    run = Run(Request(declared={"gpu": options.gpu} if options.gpu else {}))
    files = list(discover(["."]))
    for file in files:
        run.look_at(file)
    found = _look(run, files, options.gpu or "")
    _tell(found, sys.stdout)
    if not found.gpu and not options.dry_run:
        found = found._replace(gpu=_ask())
    write = _Writer(dry=options.dry_run, stream=sys.stdout)
    _settings(found, write, baseline=options.baseline)
    _hook(write)
    if options.baseline and not options.dry_run:
        _baseline(run, files)
    _next(found, baseline=options.baseline, stream=sys.stdout)
    return CLEAN


def _look(run: Run, files: list[Found], named: str) -> Repository:
    dialects = Counter(dialect for report in run.reports for dialect in report.dialects)
    gpu, source = (named, "the command line") if named else _from_slurm(files)
    return Repository(
        run.looked_at,
        sum(report.recipes for report in run.reports),
        dialects,
        sum(f.suppressed is None for report in run.reports for f in report.findings),
        gpu,
        source,
    )


def _from_slurm(files: list[Found]) -> tuple[str, str]:
    """The GPU that the Slurm scripts ask for, if it is always the same one and we know it."""
    asked: dict[str, str] = {}
    for file in files:
        if file.path.lower().endswith(SCRIPTS):
            for name in _asked_for(file.path):
                asked.setdefault(name, file.path)
    if len(asked) != 1:
        return "", ""
    return next(iter(asked.items()))


def _asked_for(path: str) -> Iterator[str]:
    from lora_rules.facts.memory.gpu import UnknownGpu, find_gpu

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(10_000)
    except OSError:
        return
    for match in _SLURM.finditer(text):
        try:
            yield find_gpu(match[1]).name
        except UnknownGpu:
            continue


def _tell(found: Repository, stream: TextIO) -> None:
    stream.write(f"Looked at {_several(found.files, 'file')}: ")
    stream.write(f"{_several(found.recipes, 'LoRA recipe')}")
    names = ", ".join(f"{name} {count}" for name, count in found.dialects.most_common())
    stream.write(f" in {_several(found.dialects.total(), 'file')} ({names}).\n" if names else ".\n")
    if found.gpu:
        stream.write(f"GPU: {found.gpu}, from {found.gpu_from}.\n")


def _ask() -> str:
    """The GPU, where somebody is there to be asked."""
    from lora_rules.facts.memory.gpu import UnknownGpu, find_gpu

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return ""
    while True:
        answer = input("On which GPU do the runs happen (RTX 4090, A100 80GB; empty: none)? ")
        if not answer.strip():
            return ""
        try:
            return find_gpu(answer.strip()).name
        except UnknownGpu as error:
            sys.stdout.write(f"{error}\n")


class _Writer:
    """Writes files that are not there, and ends of files that are."""

    def __init__(self, *, dry: bool, stream: TextIO) -> None:
        self._dry = dry
        self._stream = stream

    def __call__(self, path: str, text: str) -> None:
        """Add a text to a file's end.

        Raises:
            ConfigError: if it cannot be written.
        """
        there = os.path.lexists(path)
        self._stream.write(f"{'Adds to' if there else 'Writes'} {path}:\n")
        self._stream.write(
            "".join(f"    {line}\n".replace("    \n", "\n") for line in text.split("\n"))
        )
        if self._dry:
            return
        try:
            with open(path, "a" if there else "x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None

    def say(self, text: str) -> None:
        """Tell something."""
        self._stream.write(text)


def _settings(found: Repository, write: _Writer, *, baseline: bool) -> None:
    from lora_lint.engine.config import has_settings

    there = has_settings(".")
    if there:
        write.say(f"{there} has settings already; they stay as they are.\n")
        return
    lines = [f'gpu = "{found.gpu}"' if found.gpu else '# gpu = "A100 80GB"']
    if baseline:
        lines.append('baseline = "lora-lint-baseline.json"')
    if os.path.exists(SHARED):
        before = "\n" if _ends_with_newline(SHARED) else "\n\n"
        write(SHARED, before + "\n".join(["[tool.lora-lint]", *lines, ""]))
    else:
        write(SETTINGS, "\n".join([*lines, ""]))


def _ends_with_newline(path: str) -> bool:
    with open(path, "rb") as file:
        data = file.read()
    return not data or data.endswith(b"\n")


def _hook(write: _Writer) -> None:
    if not os.path.exists(HOOKS):
        write(HOOKS, f"repos:\n{HOOK}")
        return
    with open(HOOKS, encoding="utf-8", errors="replace") as file:
        if "id: lora-lint" in file.read():
            write.say(f"{HOOKS} has the hook already.\n")
            return
    write.say(f"Add to the repos of {HOOKS}:\n{HOOK}")


def _baseline(run: Run, files: list[Found]) -> None:
    from lora_lint.engine.baseline import NAME, Baseline

    if os.path.exists(NAME):
        sys.stdout.write(f"{NAME} is there already; lora-lint --write-baseline renews it.\n")
        return
    Baseline(NAME, {}).with_reports(run.reports, [file.path for file in files]).write()
    sys.stdout.write(f"Wrote {NAME}.\n")


def _next(found: Repository, *, baseline: bool, stream: TextIO) -> None:
    if found.findings and not baseline:
        stream.write(
            f"{_several(found.findings, 'finding')} today: `lora-lint` shows them, `--diff` what "
            "it can fix, `--write-baseline` counts them away.\n"
        )


def _several(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
