"""Runs small scripts with the installed TRL and transformers, lints them, and compares.

    python tools/oracle_trl.py --answers FILE [--draws 2000] [--seed N] [--wheels FOLDER]
    python tools/oracle_trl.py --judge FILE

Each script makes a trainer of a tiny model that is made on the spot (``tools/oracles/trl_draws``);
half of the draws are refused. The first command asks the libraries, in processes of a few dozen
draws each, and writes a line as soon as it is answered; the second lints what was written, and
prints the table and every disagreement. The linter is given the installed versions as a pin, so
that what they refuse is an error. Misspelt keywords are counted apart, because they are easy. What
is only warned of, or replaced in silence, is counted but not judged. A refusal that is the
machine's (no GPU, no network, a package that is missing) is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).parent)]

from lora_lint.engine.check import check  # noqa: E402
from lora_lint.engine.config import Config as Settings  # noqa: E402
from lora_lint.engine.finding import Finding  # noqa: E402
from lora_lint.sources.source import Source  # noqa: E402
from lora_rules.engine.problem import Severity  # noqa: E402
from oracles.trl_draws import KINDS, Draw, Part, Sketch, sketch  # noqa: E402
from oracles.trl_real import OldWheels  # noqa: E402

MODEL = "/tmp/lora-lint-tiny-model"  # noqa: S108
"""The folder that recorded scripts name."""
WHEELS = "/tmp/lora-lint-old-wheels"  # noqa: S108
OLD = (
    *("trl==0.8.6", "trl==0.12.2", "trl==0.19.1", "trl==0.24.0"),
    *("transformers==4.40.2", "transformers==4.57.1", "peft==0.5.0", "peft==0.12.0"),
)
"""What is gone is drawn from these."""
OF_CALLS = ("LL001", "LL002", "LL012", "LL015", "LL016", "LL402", "LL414", "LL501", "LLB04")
"""Rules that speak of what constructors refuse: of others an error may come later than asked."""
CHUNK = 40
"""Draws of one process."""
PATIENCE = 12
"""How many draws of a kind are tried for each that is wanted."""
LIMIT = 60
"""Seconds that one script may take."""
MACHINE = re.compile(
    r"ImportError: (?!cannot import name)|ModuleNotFoundError|cuda|GPU|NPU|offline|huggingface\.co|"
    r"pip install|not installed|TimeoutError|requires? (the )?\S+ (library|package)|"
    r"is not available|are not available",
    re.IGNORECASE,
)
"""Refusals that are not the script's."""


class Verdict(NamedTuple):
    """How a script was judged by both."""

    draw: Draw
    refused: str
    """The exception; empty where nothing was raised."""
    warned: int
    """How many warnings the libraries gave."""
    reported: tuple[Finding, ...]
    later: str = ""
    """What a script that is not refused raises once it is made to train, where that was asked."""

    @property
    def same_key(self) -> bool:
        """Whether something is reported of what was drawn."""
        return any(set(self.draw.keys) & _words(each, self.draw.script) for each in self.reported)

    @property
    def false_error(self) -> bool:
        """An error that says something is refused which is accepted."""
        return not (self.refused or self.later) and any(
            each.severity is Severity.ERROR and each.code in OF_CALLS for each in self.reported
        )


def _words(finding: Finding, script: str) -> set[str]:
    """The words of a finding, of what it marks, and the keyword that what it marks is given to."""
    lines = script.splitlines()
    spans = [finding.span, *(span for span, _word in finding.also)]
    marked = " ".join(lines[span.line - 1][span.column - 1 : span.end_column - 1] for span in spans)
    for span in spans:
        if keyword := re.search(r"\b(\w+)=$", lines[span.line - 1][: span.column - 1]):
            marked += f" {keyword[1]}"
    return set(re.findall(r"\w+", f"{finding.message} {finding.help or ''} {marked}"))


def pinned(script: str, pins: dict[str, str]) -> str:
    """The script with the versions that it is for."""
    block = "".join(f'#     "{name}=={number}",\n' for name, number in pins.items())
    return f"# /// script\n# dependencies = [\n{block}# ]\n# ///\n{script}"


def judged(each: Draw, refused: str, warned: int, pins: dict[str, str]) -> Verdict:
    """What the linter says of a script whose answer is known."""
    script = pinned(each.script, pins)
    report = check(Source("train.py", "python", script.encode()), Settings(), {})
    shown = tuple(f for f in report.findings if f.severity >= Severity.WARNING)
    return Verdict(each._replace(script=script), refused, warned, shown)


def answer(script: str, folder: Path) -> tuple[str, int]:
    """What the libraries raise when a script runs, and how many warnings they give."""
    from accelerate.state import AcceleratorState, GradientState, PartialState

    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    before = Path.cwd()
    os.chdir(folder)
    signal.alarm(LIMIT)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as given,
        ):
            warnings.simplefilter("always")
            exec(compile(script, "train.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", 0
    finally:
        signal.alarm(0)
        os.chdir(before)
    return "", len(given)


def _expired(_number: int, _frame: object) -> None:
    raise TimeoutError


def guilty(drawn: Sketch, folder: Path) -> tuple[Part, ...]:
    """The fewest parts of a refused script that are still refused."""
    kept = drawn.parts
    for part in drawn.parts:
        fewer = tuple(each for each in kept if each is not part)
        if fewer and answer(drawn._replace(parts=fewer).draw(MODEL).script, folder)[0]:
            kept = fewer
    return kept


def answers(kind: str, seed: int, start: int, count: int, wheels: Path) -> Iterator[dict[str, Any]]:
    """What the libraries say of some draws of a kind, numbered from ``start``."""
    old = OldWheels(wheels)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(start, start + count):
            drawn = sketch(kind, random.Random(f"{seed}/{kind}/{number}"), old)  # noqa: S311
            refused, warned = answer(drawn.draw(MODEL).script, folder)
            if MACHINE.search(refused):
                continue
            made = drawn.draw(MODEL, guilty(drawn, folder) if refused else None)
            yield {
                "kind": kind,
                "number": number,
                "keys": made.keys,
                "script": made.script,
                "refused": refused[:200],
                "warned": warned,
            }


def collect(draws: int, seed: int, wheels: Path, file: Path) -> None:
    """Ask about the draws of every kind, half of them refused, and write each line at once.

    A file that was begun with the same seed is continued.
    """
    each_kind = -(-draws // len(KINDS))
    written = file.read_text().splitlines() if file.exists() else []
    rows = [json.loads(line) for line in written]
    with file.open("a") as out:
        for kind in KINDS:
            wanted = {True: each_kind // 2, False: each_kind - each_kind // 2}
            if kind == "misspelt":
                wanted = {True: each_kind, False: 0}
            there = [row for row in rows if row["kind"] == kind]
            for row in there:
                wanted[bool(row["refused"])] -= 1
            begin = max((row.get("number", 0) + 1 for row in there), default=0)
            for start in range(begin, PATIENCE * each_kind, CHUNK):
                if max(wanted.values()) <= 0:
                    break
                for row in _chunk(kind, seed, start, wheels):
                    if wanted[bool(row["refused"])] > 0:
                        wanted[bool(row["refused"])] -= 1
                        out.write(json.dumps(row, sort_keys=True) + "\n")
                        out.flush()


def _chunk(kind: str, seed: int, start: int, wheels: Path) -> Iterator[dict[str, Any]]:
    """The answers of one process; what it wrote before it died counts."""
    command = [sys.executable, __file__, "--chunk", kind, str(start), "--seed", str(seed)]
    command += ["--wheels", str(wheels)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def table(verdicts: list[Verdict]) -> Iterator[str]:
    """Refused and reported, accepted and called an error, by kind; then the disagreements."""
    for kind in KINDS:
        of_kind = [each for each in verdicts if each.draw.kind == kind]
        refused = [each for each in of_kind if each.refused]
        reported = sum(each.same_key for each in refused)
        false = sum(each.false_error for each in of_kind)
        warned = sum(bool(each.warned) for each in of_kind)
        yield (
            f"{kind:9} refused {len(refused):4}, reported {reported:4}; accepted "
            f"{len(of_kind) - len(refused):4}, called an error {false:3} (and raised in training: "
            f"{sum(bool(each.later) for each in of_kind)}; warned of: {warned})"
        )
    for each in verdicts:
        if each.false_error:
            shown = "; ".join(f"{f.full_code} {f.message}" for f in each.reported)
            yield f"FALSE {each.draw.keys}: {shown}"
    missed: Counter[str] = Counter()
    example: dict[str, str] = {}
    for each in verdicts:
        if each.refused and not each.same_key:
            missed[f"{each.draw.kind}: {each.refused[:150]}"] += 1
            example[f"{each.draw.kind}: {each.refused[:150]}"] = each.draw.script
    for reason, count in missed.most_common():
        shown = ("rows =", "lora =", "args =", "trainer =", "model =")
        marked = [line for line in example[reason].splitlines() if line.startswith(shown)]
        yield f"MISSED {count} x {reason} | {' | '.join(marked)}"


def in_training(verdict: Verdict) -> Verdict:
    """The same, with what is raised by a step of training where an error says that it is refused.

    Most kinds of draws make the trainer and do not start it: an optimizer refuses later.
    """
    if not verdict.false_error or "trainer.train()" in verdict.draw.script:
        return verdict
    prepare_to_ask()
    with tempfile.TemporaryDirectory() as folder:
        started = f"{verdict.draw.script}args.max_steps = 1\ntrainer.train()\n"
        return verdict._replace(later=answer(started, Path(folder))[0])


def judge(file: Path) -> list[Verdict]:
    """What the linter says today of scripts whose answers were written."""
    pins = {name: version(name) for name in ("trl", "transformers", "peft")}
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    draws = [Draw(row["kind"], row["script"], tuple(row["keys"])) for row in rows]
    return [
        in_training(judged(draw, row["refused"], row.get("warned", 0), pins))
        for draw, row in zip(draws, rows, strict=True)
    ]


def prepare_to_ask() -> None:
    """The libraries write nothing but their answers."""
    import datasets
    from transformers.utils import logging

    signal.signal(signal.SIGALRM, _expired)
    logging.set_verbosity_error()
    datasets.disable_progress_bars()


def prepare(wheels: Path) -> None:
    """The tiny model, and the older wheels, where they are not there yet."""
    from make_tiny_model import make
    from wheel_source import download

    if not Path(MODEL, "config.json").is_file():
        make(Path(MODEL), 0)
    wheels.mkdir(parents=True, exist_ok=True)
    for package, _, number in (each.partition("==") for each in OLD):
        download(package, number, wheels)


def main() -> None:
    """Ask the libraries, or judge what they answered."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=Path, help="write a line for each draw to this file")
    parser.add_argument("--judge", type=Path, help="lint what was written, and compare")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wheels", type=Path, default=Path(WHEELS))
    parser.add_argument("--chunk", nargs=2, metavar=("KIND", "START"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    if options.chunk:
        prepare_to_ask()
        kind, start = options.chunk
        for row in answers(kind, options.seed, int(start), CHUNK, options.wheels):
            print(json.dumps(row), flush=True)
    elif options.judge:
        for line in table(judge(options.judge)):
            print(line)
    elif options.answers:
        prepare(options.wheels)
        collect(options.draws, options.seed, options.wheels, options.answers)
    else:
        parser.error("nothing to do: --answers FILE or --judge FILE")


if __name__ == "__main__":
    main()
