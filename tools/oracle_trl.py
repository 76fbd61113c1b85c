"""Runs small scripts with the installed TRL and transformers, lints them, and compares.

    python tools/oracle_trl.py [--draws 2000] [--seed N] [--json FILE]

Each script makes a trainer of a tiny model that is made on the spot (``tools/oracles/trl_draws``);
half of the draws are refused. The linter is given the installed versions as a pin, so that what
they refuse is an error. Misspelt keywords are counted apart, because they are easy. What is only
warned of, or replaced in silence, is counted but not judged.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
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
from oracles.trl_draws import KINDS, Draw, draw  # noqa: E402

MODEL = "/tmp/lora-lint-tiny-model"  # noqa: S108
"""The folder that recorded scripts name."""
OF_CALLS = ("LL001", "LL002", "LL012", "LL015", "LL016", "LL402", "LL414", "LL501", "LLB04")
"""Rules that speak of what constructors refuse: of others an error may come later than asked."""


class Verdict(NamedTuple):
    """How a script was judged by both."""

    draw: Draw
    refused: str
    """The exception; empty where nothing was raised."""
    warned: int
    """How many warnings the libraries gave."""
    reported: tuple[Finding, ...]

    @property
    def same_key(self) -> bool:
        """Whether something is reported of what was drawn."""
        return any(set(self.draw.keys) & _words(each, self.draw.script) for each in self.reported)

    @property
    def false_error(self) -> bool:
        """An error that says something is refused which is accepted."""
        return not self.refused and any(
            each.severity is Severity.ERROR and each.code in OF_CALLS for each in self.reported
        )


def _words(finding: Finding, script: str) -> set[str]:
    lines = script.splitlines()
    spans = [finding.span, *(span for span, _word in finding.also)]
    marked = " ".join(lines[span.line - 1][span.column - 1 : span.end_column - 1] for span in spans)
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
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as given,
        ):
            warnings.simplefilter("always")
            exec(compile(script, "train.py", "exec"), {"__name__": "__main__"})  # noqa: S102
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", 0
    finally:
        os.chdir(before)
    return "", len(given)


def drawn(draws: int, seed: int, folder: Path) -> Iterator[Verdict]:
    """Verdicts, half of each kind of what is refused, as far as the kind allows."""
    chance = random.Random(seed)  # noqa: S311
    pins = {name: version(name) for name in ("trl", "transformers", "peft")}
    each_kind = draws // len(KINDS)
    for kind in KINDS:
        wanted = {True: each_kind // 2, False: each_kind - each_kind // 2}
        if kind == "misspelt":
            wanted = {True: each_kind, False: 0}
        for _ in range(4 * each_kind):
            made = draw(kind, chance, MODEL)
            refused, warned = answer(made.script, folder)
            if wanted[bool(refused)]:
                wanted[bool(refused)] -= 1
                yield judged(made, refused, warned, pins)
            if not any(wanted.values()):
                break


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
            f"{len(of_kind) - len(refused):4}, called an error {false:3} (warned of: {warned})"
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
        marked = [line for line in example[reason].splitlines() if "args =" in line]
        yield f"MISSED {count} x {reason} | {' '.join(marked)}"


def record(verdict: Verdict) -> dict[str, Any]:
    """What a test needs to judge again."""
    made = verdict.draw
    script = made.script.partition("# ///\nimport")[2]
    return {
        "kind": made.kind,
        "keys": made.keys,
        "script": f"import{script}",
        "refused": verdict.refused[:120],
    }


def main() -> None:
    """Draw, ask both, print the table and every disagreement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every draw with the answer")
    options = parser.parse_args()
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    from make_tiny_model import make

    if not Path(MODEL, "config.json").is_file():
        make(Path(MODEL), 0)
    import datasets
    from transformers.utils import logging

    logging.set_verbosity_error()
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = list(drawn(options.draws, options.seed, Path(folder)))
    for line in table(verdicts):
        print(line)
    if options.json:
        rows = (json.dumps(record(each), sort_keys=True) + "\n" for each in verdicts)
        options.json.write_text("".join(rows))


if __name__ == "__main__":
    main()
