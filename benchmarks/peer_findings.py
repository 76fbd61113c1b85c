"""lora-lint and peft-doctor on the same 100 files, and who is right.

    python benchmarks/peer_findings.py --peer /tmp/peers/bin/python --scripts /work/corpus

``--peer`` is a Python that has peft-doctor, torch, transformers and peft; ``--scripts`` a folder of
public repositories. 60 of the files are PEFT cases of ``tests/data/peft_cases.jsonl``, written as
Python: what real PEFT made of them is known. 40 are training scripts drawn by seed; what is true of
them was judged by reading, in ``peer_verdicts.json``.

peft-doctor is asked twice: ``peft-doctor check FILE --model FOLDER``, and, for the PEFT cases, its
function ``diagnose_peft`` on the built model and the settings of the case. The command looks at
settings of its own and searches the file for patterns; what it says of an empty file too (that
there is no GPU here, that its own ``save_steps`` wants a limit) is not about the file and is left
out. Of both tools errors and warnings count.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE)]

from peer_findings_ask import ask  # noqa: E402

from lora_lint.engine.check import check  # noqa: E402
from lora_lint.engine.config import Config  # noqa: E402
from lora_lint.sources.discover import load  # noqa: E402
from peft_cases import Case, as_python, cases, write_models  # noqa: E402

SEED = 20261122
VERDICTS = HERE / "peer_verdicts.json"
OF_EACH = {"error": 20, "finding": 20, "no error": 20}
"""How many PEFT cases are drawn of those that raise, that lose or warn of something, that run."""
SCRIPTS = 40
OF_ONE_REPOSITORY = 4
TRAINS = re.compile(r"LoraConfig\(|get_peft_model\(")
STARTS = re.compile(r"\.train\(\)|\.train\(resume|trainer\.train|optimizer\.step\(\)")
SERIOUS = ("error", "warning")


class Row(NamedTuple):
    """What is said of one file: ``(severity, code, message)`` each."""

    name: str
    truth: str
    ours: list[tuple[str, str, str]]
    command: list[tuple[str, str, str]]
    function: list[tuple[str, str, str]]


def main() -> None:
    """Draw, ask both, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", required=True, help="a Python that has peft-doctor")
    parser.add_argument("--scripts", required=True, type=Path, help="public repositories")
    parser.add_argument("--json", type=Path, help="write all that was said")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = of_cases(options.peer, Path(folder))
    scripts = of_scripts(options.peer, options.scripts)
    if options.json:
        said = {"cases": [r._asdict() for r in rows], "scripts": [r._asdict() for r in scripts]}
        options.json.write_text(json.dumps(said, indent=1))
    print("\n".join(case_table(rows)))
    print()
    print("\n".join(script_table(scripts)))


def drawn_cases() -> list[Case]:
    """The same number of each kind, by seed."""
    chooser = random.Random(SEED)  # noqa: S311 - a drawing, no secret
    every = list(cases())
    chosen: list[Case] = []
    for kind, count in OF_EACH.items():
        chosen += chooser.sample([case for case in every if case.demands == kind], count)
    return chosen


def drawn_scripts(tree: Path) -> list[Path]:
    """Python files that make an adapter and train it; at most a few of one repository."""
    fit = [path for path in sorted(tree.glob("*/**/*.py")) if is_training_script(path)]
    random.Random(SEED).shuffle(fit)  # noqa: S311
    taken: Counter[str] = Counter()
    chosen = []
    for path in fit:
        repository = path.relative_to(tree).parts[0]
        if taken[repository] < OF_ONE_REPOSITORY and len(chosen) < SCRIPTS:
            taken[repository] += 1
            chosen.append(path)
    return chosen


def is_training_script(path: Path) -> bool:
    """Whether it makes an adapter and starts a training, by the letter."""
    text = path.read_text(errors="replace")
    return bool(TRAINS.search(text) and STARTS.search(text))


def of_cases(peer: str, folder: Path) -> list[Row]:
    """Both tools on the PEFT cases."""
    write_models(folder)
    chosen = drawn_cases()
    for case in chosen:
        (folder / f"{case.id}.py").write_text(as_python(case))
    request = [
        {
            "file": str(folder / f"{case.id}.py"),
            "model": str(folder / case.folder),
            "case": case.id,
            "name": case.model_type,
            "settings": case.kwargs,
        }
        for case in chosen
    ]
    answers = ask(peer, request)
    return [
        Row(case.id, case.demands, ours(Path(each["file"])), *answer)
        for case, each, answer in zip(chosen, request, answers, strict=True)
    ]


def of_scripts(peer: str, tree: Path) -> list[Row]:
    """Both tools on the training scripts."""
    chosen = drawn_scripts(tree)
    verdicts = json.loads(VERDICTS.read_text()) if VERDICTS.exists() else {}
    answers = ask(peer, [{"file": str(path)} for path in chosen])
    names = [str(path.relative_to(tree)) for path in chosen]
    return [
        Row(name, json.dumps(verdicts.get(name, {})), ours(path), *answer)
        for name, path, answer in zip(names, chosen, answers, strict=True)
    ]


def ours(path: Path) -> list[tuple[str, str, str]]:
    """What lora-lint says of a file with no settings of its own."""
    source = load(str(path))
    assert source is not None, path  # noqa: S101
    found = check(source, Config(), {}).findings
    return [(f.severity.word, f.code, f.message) for f in found if f.severity.word in SERIOUS]


def case_table(rows: Sequence[Row]) -> list[str]:
    """For each kind of case: how often each tool says an error, or anything."""
    lines = [
        "| what PEFT did | cases | lora-lint | peft-doctor check | diagnose_peft |",
        "|---|---:|---:|---:|---:|",
    ]
    words = {"error": "raises", "finding": "warns, or loses something", "no error": "runs"}
    for kind, word in words.items():
        of_kind = [row for row in rows if row.truth == kind]
        cells = [_told([getattr(row, who) for row in of_kind]) for who in Row._fields[2:]]
        lines.append(f"| {word} | {len(of_kind)} | {' | '.join(cells)} |")
    return lines


def _told(said: Iterable[list[tuple[str, str, str]]]) -> str:
    every = list(said)
    errors = sum(any(word == "error" for word, _, _ in each) for each in every)
    return f"{sum(map(bool, every))} ({errors} error)"


def script_table(rows: Sequence[Row]) -> list[str]:
    """How many messages each tool gives of the scripts, and how many of them are right."""
    lines = ["| | lora-lint | peft-doctor check |", "|---|---:|---:|"]
    judged = [(row, json.loads(row.truth)) for row in rows]
    told = [sum(len(r.ours) for r in rows), sum(len(r.command) for r in rows)]
    lines.append(f"| errors and warnings on {len(rows)} scripts | {told[0]} | {told[1]} |")
    wrong = [
        sum(message[1] in truth.get(who, ()) for row, truth in judged for message in said(row))
        for who, said in (
            ("ours wrong", lambda row: row.ours),
            ("theirs wrong", lambda row: row.command),
        )
    ]
    lines.append(f"| of them right | {told[0] - wrong[0]} | {told[1] - wrong[1]} |")
    return lines


if __name__ == "__main__":
    main()
