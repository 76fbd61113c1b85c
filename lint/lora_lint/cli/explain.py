"""The rules, told: ``lora-lint explain LL102`` and ``lora-lint rules``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from lora_lint.report import terminal
from lora_lint.report.jsonable import jsonable
from lora_lint.report.terminal import Segment
from lora_rules.engine._startup.typed import TextIO
from lora_rules.engine.brief import written
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.evidence import Evidence

VERSION = 1
"""Of ``rules --format json``."""

TIERS = {
    "A": "mechanical: verified by running code or reading source",
    "B": "several independent measurements agree",
    "C": "one measurement",
    "D": "guidance without published numbers",
    "E": "convention; no measurement found",
}


def find(name: str, rules: Iterable[Rule]) -> Rule | None:
    """The rule of that code or name, in any case, with hyphens or underscores."""
    wanted = name.strip().lower().replace("_", "-")
    for rule in rules:
        if wanted in (rule.code.lower(), rule.name):
            return rule
    return None


def suggestion(name: str, rules: Iterable[Rule]) -> str:
    """``did you mean LL102 (…)?`` where something is near, else where to look."""
    by_word = {word: rule for rule in rules for word in (rule.code.lower(), rule.name)}
    near = get_close_matches(name.strip().lower().replace("_", "-"), by_word, n=1)
    if not near:
        return "`lora-lint rules` lists them all"
    rule = by_word[near[0]]
    return f"did you mean {rule.code} ({rule.name})?"


def page(rule: Rule) -> str:
    """A rule's page in Markdown: its docstring, its options, and what it rests on."""
    state = ", preview" if rule.preview else ""
    parts = [f"# {rule.code} {rule.name}", f"Severity: {rule.severity.word}{state}", rule.page]
    if rule.options and "## Options" not in rule.page.splitlines():
        options = [f"- `{name}` = `{written(value)}`" for name, value in rule.options.items()]
        parts += ["## Options", "\n".join(options)]
    parts += ["## Evidence", "\n".join(_source(source) for source in rule.evidence)]
    return "\n\n".join(parts) + "\n"


def _source(source: Evidence) -> str:
    where = f"<{source.where}>" if source.where.startswith("http") else source.where
    tier = f"**{source.tier}** ({TIERS.get(source.tier, 'tier unknown')})"
    return f"- {tier} {source.text.rstrip('.')}. {source.found.rstrip('.')}. {where}"


def explain(name: str, stream: TextIO, rules: Iterable[Rule] | None = None) -> int:
    """Print a rule's page, or on the standard error that there is none; the exit code."""
    known = tuple(all_rules().values() if rules is None else rules)
    rule = find(name, known)
    if rule is None:
        terminal.write(
            [("error", "error"), (f": no rule is called {name}; {suggestion(name, known)}\n", "")],
            sys.stderr,
        )
        return 2
    if terminal.on_terminal(stream):
        _markdown(page(rule), stream)
    else:
        terminal.write_plain(page(rule), stream)
    return 0


def list_rules(
    form: str, stream: TextIO, rules: Iterable[Rule] | None = None, profile: str | None = None
) -> int:
    """Print every rule, as ``text``, ``json`` or ``markdown``; the exit code.

    With a profile, as they are in it: those that run, and after them what it changes.
    """
    known = tuple(all_rules().values() if rules is None else rules)
    if profile is not None:
        from lora_lint.engine.profiles import PROFILES, changes, in_profile

        if form == "text":
            terminal.write(_table(in_profile(known, PROFILES[profile])), stream)
            terminal.write([(changes(known, profile), "")], stream)
            return 0
        known = in_profile(known, PROFILES[profile])
    if form == "json":
        terminal.write_plain(rules_json(known), stream)
    elif form == "markdown":
        terminal.write_plain(rules_markdown(known), stream)
    else:
        terminal.write(_table(known), stream)
    return 0


def rules_json(rules: Iterable[Rule]) -> str:
    """Every rule as JSON; docs/output.md describes it."""
    described = [
        {
            "code": rule.code,
            "name": rule.name,
            "severity": rule.severity.word,
            "preview": rule.preview,
            "summary": rule.summary,
            "options": {name: jsonable(value) for name, value in rule.options.items()},
            "evidence": [
                {"tier": source.tier, "text": source.text, "where": source.where}
                for source in rule.evidence
            ],
        }
        for rule in rules
    ]
    return json.dumps({"version": VERSION, "rules": described}, indent=2) + "\n"


def rules_markdown(rules: Iterable[Rule]) -> str:
    """Every rule as a Markdown table, for the README."""
    rows = [
        f"| {rule.code} | `{rule.name}` | {rule.severity.word} | {_cell(rule.summary)} |"
        for rule in rules
    ]
    return (
        "\n".join(["| code | name | severity | what it finds |", "|---|---|---|---|", *rows]) + "\n"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(rules: tuple[Rule, ...]) -> Iterator[Segment]:
    codes = max((len(rule.code) for rule in rules), default=0)
    names = max((len(rule.name) for rule in rules), default=0)
    words = max((len(rule.severity.word) for rule in rules), default=0)
    for rule in rules:
        yield f"{rule.code:<{codes}}  {rule.name:<{names}}  ", "strong"
        yield f"{rule.severity.word:<{words}}", rule.severity.word
        yield f"  {rule.summary}{' (preview)' if rule.preview else ''}\n", ""


def _markdown(text: str, stream: TextIO) -> None:
    from rich.console import Console  # lazily: only for a terminal
    from rich.markdown import Markdown

    Console(file=stream).print(Markdown(terminal.safe(text)))
