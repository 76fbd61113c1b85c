"""How often each rule fires on a tree of configurations.

    python tools/fire_rates.py ../shared/data/recipes [MORE ...] [--findings RULE] [--json FILE]

Prints, by rule and severity, the number of recipes with at least one finding and their share.
``--json docs/fire_rates.json`` writes what the documentation tells of it.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from lora_lint.engine.check import check
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport
from lora_lint.sources.discover import discover, load
from lora_rules.engine.registry import all_rules


def main() -> None:
    """Lint, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--findings", metavar="RULE", help="print the findings of a rule or key")
    parser.add_argument("--json", metavar="FILE", help="write the counts for the documentation")
    options = parser.parse_args()
    reports = list(lint_all(options.paths))
    recipes = sum(report.recipes for report in reports)
    unreadable = [report for report in reports if report.unreadable]
    print(f"{len(reports)} files, {recipes} recipes, {len(unreadable)} unreadable")
    for report in unreadable:
        print(f"  {report.path}: {report.unreadable}")
    dialects = Counter(dialect for report in reports for dialect in report.dialects)
    print("dialects: " + ", ".join(f"{name} {count}" for name, count in dialects.most_common()))
    for line in table(reports, recipes):
        print(line)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(counts(reports, recipes), file, indent=1)
            file.write("\n")
    if options.findings:
        show(reports, options.findings)


def lint_all(paths: list[str]) -> list[FileReport]:
    """Lint every file below the paths, with no settings and everything shown."""
    sources = (load(file.path) for file in discover(paths))
    return [check(source, Config(), {}) for source in sources if source is not None]


def counts(reports: list[FileReport], recipes: int) -> dict[str, object]:
    """How many recipes there are, and how many each rule and key fires on, by severity."""
    rates = {code: dict(words) for code, words in _fired(reports).items()}
    keys = {code: dict(words) for code, words in _fired(reports, by_key=True).items()}
    return {
        "recipes": recipes,
        "fired": dict(sorted(rates.items())),
        "keys": {code: keys[code] for code in sorted(keys) if ":" in code},
    }


def table(reports: list[FileReport], recipes: int) -> list[str]:
    """A line a rule and severity."""
    fired = _fired(reports)
    lines = []
    for code, rule in all_rules().items():
        for word, count in fired.get(code, {"-": 0}).items():
            share = count / recipes
            lines.append(f"{code} {rule.name:36} {word:8} {count:4} {share:7.1%}")
    return lines


def _fired(reports: list[FileReport], *, by_key: bool = False) -> dict[str, Counter[str]]:
    """A file with several findings of one rule (or key) and severity counts once."""
    fired: dict[str, Counter[str]] = {}
    for report in reports:
        certain = [finding for finding in report.findings if finding.certain]
        codes = {(f.full_code if by_key else f.code, f.severity.word) for f in certain}
        for code, word in codes:
            fired.setdefault(code, Counter())[word] += 1
    return fired


def show(reports: list[FileReport], code: str) -> None:
    """Print every finding of one rule."""
    for report in reports:
        for finding in report.findings:
            if code in (finding.code, finding.full_code):
                print(f"{finding.path}:{finding.span.line}: {finding.message}")


if __name__ == "__main__":
    main()
