"""The claims of the rules' pages, each with what shows it; writes ``docs/claims.md``.

    python tools/claims.py [--check]

A file ``tools/evidence/claims/LL102.yaml`` is a list, in the order of the page::

    - claim: All 309 official recipes lie within 0.25 and 4.      # the page's words
      verdict: right                                              # or repaired, or removed
      script: tools/evidence/official_recipes.py
    - claim: With alpha fixed the best rate moves less than twofold.
      verdict: repaired
      was: The best rate does not move.                           # what the page said before
      why: The source says less than twofold.
      source: schulman-2025                                       # a key of evidence.py
      says: the optimal learning rate changes by less than a factor of 2
      at: section "Setting LoRA hyperparameters"
    - verdict: removed
      was: Small models bear more.
      why: No measurement shows it; Llama-3.2-1B diverged at 3e-3 at all four ranks.

What shows a claim is a ``source`` with the words it ``says`` and the place ``at`` which it says
them, a ``test`` (``tests/...py::test_name``) or a ``script`` that prints it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lora_rules import evidence
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tools" / "evidence" / "claims"
PAGE = ROOT / "docs" / "claims.md"
SOURCES = {each.key: each for each in vars(evidence).values() if isinstance(each, evidence.Source)}
VERDICTS = ("right", "repaired", "removed")

INTRODUCTION = """\
# Claims

What the rules' pages say, and what shows each claim. The project itself checked all of them in
November 2026: *right* was right as it stood, *repaired* was wrong or imprecise and has been
corrected, *removed* was wrong, or no source could be found that shows it.

"""


class ClaimError(Exception):
    """A file of claims that does not hold; the text names file, claim and what is wrong."""


class Claim(BaseModel):
    """One claim of a page."""

    model_config = ConfigDict(extra="forbid", strict=True)

    claim: str = ""
    """In the words of the page; empty where it was removed."""
    verdict: Literal["right", "repaired", "removed"]
    was: str = ""
    """The page's words before, where they were not right."""
    why: str = ""
    """What was wrong with them."""
    source: str = ""
    says: str = ""
    """The source's own words or numbers."""
    at: str = ""
    """Where in the source they stand."""
    test: str = ""
    script: str = ""

    @model_validator(mode="after")
    def _is_complete(self) -> Claim:
        if (self.verdict == "right") == bool(self.was and self.why):
            raise ValueError("`was` and `why` belong to a claim that was repaired or removed")
        if (self.verdict == "removed") == bool(self.claim):
            raise ValueError("`claim` is what the page says now: of a removed one nothing")
        shown = sum(map(bool, (self.source, self.test, self.script)))
        if self.verdict != "removed" and shown != 1:
            raise ValueError("exactly one of `source`, `test` and `script` shows it")
        if bool(self.source) != bool(self.says and self.at):
            raise ValueError("`source`, `says` and `at` belong together")
        return self


def claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a file.

    Raises:
        ClaimError: if it cannot be read, or a claim of it lacks something.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ClaimError(f"{path.name}: {error}") from None
    if not isinstance(entries, list) or not entries:
        raise ClaimError(f"{path.name}: a list of claims is expected")
    return tuple(_claim(path, number, entry) for number, entry in enumerate(entries, 1))


def _claim(path: Path, number: int, entry: object) -> Claim:
    try:
        return Claim.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ClaimError(f"{path.name}, claim {number}: {where} {first['msg']}") from None


def complaints(rule: Rule) -> Iterator[str]:
    """What does not hold of a rule's claims: a claim that its page does not make, and such."""
    path = FOLDER / f"{rule.code}.yaml"
    if not path.is_file():
        yield f"{path.name} is missing"
        return
    page = _flat(_said(rule))
    cited = {each.source.key for each in rule.evidence}
    for each in claims(path):
        if each.claim and _flat(each.claim) not in page:
            yield f"{path.name}: the page does not say “{each.claim}”"
        if each.was and _flat(each.was) in page:
            yield f"{path.name}: the page still says “{each.was}”"
        if each.source and each.source not in SOURCES:
            yield f"{path.name}: evidence.py has no source {each.source}"
        elif each.source and each.source not in cited:
            yield f"{path.name}: the rule does not cite {each.source}"
        for named in filter(None, (each.test, each.script)):
            if not _exists(named):
                yield f"{path.name}: there is no {named}"


def _said(rule: Rule) -> str:
    """All that a page says: its text, the sentences of its sources, its refusals."""
    cited = " ".join(each.sentence for each in rule.evidence)
    keys = " ".join(f"{page.says} {page.why} {page.do}" for page in rule.keys.values())
    return f"{rule.page} {cited} {keys}"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _exists(named: str) -> bool:
    """Whether a script, or a test with its function, is there."""
    name, _, function = named.partition("::")
    path = ROOT / name
    return path.is_file() and f"def {function.partition('[')[0]}" in path.read_text()


def page() -> str:
    """``docs/claims.md``: how many of each verdict, and then rule by rule."""
    per_rule = {code: claims(FOLDER / f"{code}.yaml") for code in all_rules()}
    count = Counter(each.verdict for rule in per_rule.values() for each in rule)
    total = sum(count.values())
    numbers = ", ".join(f"{count[verdict]} {verdict}" for verdict in VERDICTS)
    parts = [f"{INTRODUCTION}{total} claims of {len(per_rule)} pages: {numbers}.\n"]
    for code, of_rule in per_rule.items():
        parts.append(f"\n## {code}\n\n| claim | verdict | shown by |\n|---|---|---|")
        parts += [f"| {_words(each)} | {each.verdict} | {_shown(each)} |" for each in of_rule]
    return "\n".join(parts) + "\n"


def _words(claim: Claim) -> str:
    was = f"<br>was: {claim.was} ({claim.why})" if claim.was else ""
    return _cell(claim.claim + was)


def _shown(claim: Claim) -> str:
    if claim.source:
        return _cell(f"{SOURCES[claim.source].text}, {claim.at}: “{claim.says}”")
    return f"`{claim.test or claim.script}`" if claim.test or claim.script else ""


def _cell(text: str) -> str:
    return _flat(text).replace("|", "\\|")


def main() -> int:
    """Write the table, or with ``--check`` say whether it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    wrong = [text for rule in all_rules().values() for text in complaints(rule)]
    check = parser.parse_args().check
    if not wrong and not check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not wrong and (not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page()):
        wrong = ["docs/claims.md is out of date: run `make generate`"]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
