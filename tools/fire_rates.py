"""How often each rule fires on a tree of configurations.

    python tools/fire_rates.py ../shared/data/recipes [MORE ...] [--findings RULE]

Prints, by rule and severity, the number of recipes with at least one finding and their share.
"""

from __future__ import annotations

import argparse
from collections import Counter

from lora_lint.check import check
from lora_lint.config import Config
from lora_lint.discover import discover, load
from lora_lint.finding import FileReport
from lora_rules.rule import all_rules


def main() -> None:
    """Lint, count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--findings", metavar="RULE", help="print the findings of one rule too")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    reports = list(lint_all(options.paths))
    recipes = sum(report.recipes for report in reports)
    unreadable = [report for report in reports if report.unreadable]
    print(f"{len(reports)} files, {recipes} recipes, {len(unreadable)} unreadable")
    for report in unreadable:
        print(f"  {report.path}: {report.unreadable}")
    dialects = Counter(dialect for report in reports for dialect in report.dialects)
    print("dialects: " + ", ".join(f"{name} {count}" for name, count in dialects.most_common()))
    for line in table(reports, recipes, markdown=options.markdown):
        print(line)
    if options.findings:
        show(reports, options.findings)


def lint_all(paths: list[str]) -> list[FileReport]:
    """Lint every file below the paths, with no settings and everything shown."""
    sources = (load(file.path) for file in discover(paths))
    return [check(source, Config(), {}) for source in sources if source is not None]


def table(reports: list[FileReport], recipes: int, *, markdown: bool = False) -> list[str]:
    """A line a rule and severity."""
    fired: Counter[tuple[str, str]] = Counter()
    for report in reports:
        fired.update({(f.code, f.severity.word) for f in report.findings if f.certain})
    lines = []
    for code, rule in all_rules().items():
        for word in ("error", "warning", "info"):
            count = fired[code, word]
            if count:
                share = count / recipes
                lines.append(f"{code} {rule.name:36} {word:8} {count:4} {share:7.1%}")
        if not any(fired[code, word] for word in ("error", "warning", "info")):
            lines.append(f"{code} {rule.name:36} {'-':8} {0:4} {0:7.1%}")
    if markdown:
        return ["| " + " | ".join(line.split()) + " |" for line in lines]
    return lines


def show(reports: list[FileReport], code: str) -> None:
    """Print every finding of one rule."""
    for report in reports:
        for finding in report.findings:
            if finding.code == code:
                print(f"{finding.path}:{finding.span.line}: {finding.message}")


if __name__ == "__main__":
    main()
