"""Asks the installed PEFT and the linter about fresh random configurations.

    python tools/oracle.py [--cases N] [--seed N] [--language python|yaml] [--models NAME …]

Needs the ``dev`` and ``launch`` extras. PEFT's answer comes from building the configuration and
putting it into a small real model (``tools/oracle_models.py``); the linter gets the same
configuration as a file, beside a folder with the model's ``config.json``. It owes an error for
every exception, a finding of the right rule for every warning and every silent loss, and no error
where PEFT is content.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/rules/facts"), str(ROOT / "tools")]

from test_peft_cases import agrees, found_in  # noqa: E402

from oracle_cases import draw  # noqa: E402 - the folders above come first
from oracle_models import MODELS, weighted  # noqa: E402
from oracle_truth import Truth, ask  # noqa: E402
from peft_cases import Case, write_models  # noqa: E402

NAMED_ONLY = ("resnet", "convnext", "swinv2")
"""The table of architectures does not have these; their modules' names are known without sizes."""


def main() -> None:
    """Draw, ask both, count; the exit status is 1 if an error is missed or false."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--language", choices=("python", "yaml"), default="python")
    parser.add_argument("--models", nargs="*", default=sorted(MODELS))
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    chance = random.Random(options.seed)  # noqa: S311
    counts: Counter[tuple[str, str]] = Counter()
    named: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        for number in range(options.cases):
            case = fresh(number, options.models, chance)
            verdict = verdict_on(case, options.language, Path(folder))
            tally = named if case.model_type in NAMED_ONLY else counts
            tally[case.demands, "agree" if not verdict else "disagree"] += 1
            if verdict:
                print(verdict, flush=True)
    _tell("models whose modules are known", counts)
    _tell("models whose modules are known by name only", named)
    sys.exit(any(counts[demand, "disagree"] for demand in ("error", "no error")))


def fresh(number: int, models: list[str], chance: random.Random) -> Case:
    """A case nobody has seen, with PEFT's answer."""
    name = chance.choice(models)
    model = weighted(name)
    settings = draw(model, chance)
    return _case(str(number), name, settings, ask(model, settings))


def _case(number: str, model: str, settings: dict[str, object], truth: Truth) -> Case:
    return Case(
        number,
        model,
        settings,
        "",
        truth.label,
        truth.stage,
        truth.silent,
        truth.warnings,
        message=truth.message,
    )


def verdict_on(case: Case, language: str, folder: Path) -> str:
    """What they disagree about, in a line; empty if they do not."""
    try:
        found = found_in(case, language, folder)
        if agrees(case, found):
            return ""
        codes = " ".join(f"{one.code}{one.severity.name[0]}" for one in found)
    except AssertionError as unknown:
        codes = str(unknown)
    owes = case.message or " ".join((*case.silent, *case.warnings)) or "nothing"
    settings = json.dumps(case.kwargs)
    head = f"{case.id} {case.model_type} owes {case.demands}: {owes[:160]}"
    return f"{head}\n    {codes}\n    {settings}"


def _tell(which: str, counts: Counter[tuple[str, str]]) -> None:
    total = sum(counts.values())
    if not total:
        return
    good = sum(count for (_, word), count in counts.items() if word == "agree")
    print(f"{which}: {good} of {total} agree ({100 * good / total:.1f} %)")
    for demand in ("error", "finding", "no error", "anything"):
        agree, not_so = counts[demand, "agree"], counts[demand, "disagree"]
        if agree or not_so:
            print(f"  {demand}: {agree} of {agree + not_so}")


if __name__ == "__main__":
    main()
