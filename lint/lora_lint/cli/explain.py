"""The rules, told: ``lora-lint explain LL102`` and ``lora-lint rules``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from lora_lint.engine.selector import means
from lora_lint.report import terminal
from lora_lint.report.jsonable import jsonable
from lora_lint.report.terminal import Segment
from lora_rules.engine._startup.typed import TextIO
from lora_rules.engine.brief import written
from lora_rules.engine.keys import KeyPage, full_code
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.engine.unindexed import missing_from_index
from lora_rules.evidence import TIERS, Citation

VERSION = 1
"""Of ``rules --format json``."""


def find(name: str, rules: Iterable[Rule]) -> Rule | None:
    """The rule of that code or name, in any case, with hyphens or underscores."""
    wanted = name.strip().lower().replace("_", "-")
    for rule in rules:
        if wanted in (rule.code.lower(), rule.name):
            return rule
    return None


def suggestion(name: str, rules: Iterable[Rule]) -> str:
    """``did you mean LL102 (…)?`` where something is near, else where to look.

    A rule that is written and not in the index yet is named with the command that puts it there.
    """
    if unindexed := missing_from_index(name):
        return unindexed[0]
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
    parts += ["## Evidence", _evidence(rule)]
    return "\n\n".join(parts) + "\n"


def keys_meant(name: str, rules: Iterable[Rule]) -> tuple[Rule | None, list[KeyPage]]:
    """The rule and the keys that ``LL012:axolotl/…`` means; ``LL012:axolotl`` is all of them."""
    code, _colon, key = name.strip().partition(":")
    rule = find(code, rules)
    if rule is None:
        return None, []
    selector = f"{rule.code}:{key.lower().replace('_', '-')}"
    meant = [each for each in rule.keys.values() if means(selector, rule.code, rule.name, each.key)]
    return rule, meant


def key_page(rule: Rule, key: KeyPage) -> str:
    """What there is to say of one key, in Markdown."""
    severity = (key.severity or rule.severity).word
    parts = [
        f"# {full_code(rule.code, key.key)}",
        f"Severity: {severity} · one of the refusals of {rule.code} {rule.name}",
        f"## What is refused\n\n{key.says}",
        f"## Why it is refused\n\n{key.why}" if key.why else "",
        f"## When\n\n{key.moment}" if key.moment else "",
        f"## What to do\n\n{key.do}" if key.do else "",
        f"## Since\n\n{key.since}" if key.since else "",
        f"## Source\n\n{key.source}" if key.source else "",
    ]
    if not key.source:
        parts += ["## Evidence", _evidence(rule)]
    return "\n\n".join(part for part in parts if part) + "\n"


def key_list(rule: Rule) -> str:
    """The keys of a rule, a line each; empty for a rule that has none."""
    lines = [f"- `{full_code(rule.code, key)}`" for key in rule.keys]
    about = f"`lora-lint explain {rule.code}:…` says more of each. All can be selected and ignored."
    return "\n\n".join(("", "## Keys", about, "\n".join(lines))) + "\n" if lines else ""


def _evidence(rule: Rule) -> str:
    """How strong it is together, and each source with its sentence, those that disagree last."""
    tier = rule.tier
    lines = [f"**{tier}**, {TIERS.get(tier, 'tier unknown')}.", ""]
    lines += [_cited(each) for each in rule.evidence if each.supports]
    against = [_cited(each) for each in rule.evidence if not each.supports]
    return "\n".join(lines + (["", "What disagrees:", "", *against] if against else []))


def _cited(citation: Citation) -> str:
    source = citation.source
    where = f"<{source.where}>" if source.where.startswith("http") else source.where
    return f"- {citation.sentence} ({source.tier}: {source.text.rstrip('.')}, {where})"


def explain(name: str, stream: TextIO, rules: Iterable[Rule] | None = None) -> int:
    """Print the page of a rule or key, or on the standard error that there is none.

    Returns:
        The exit code.
    """
    known = tuple(all_rules().values() if rules is None else rules)
    rule = find(name, known)
    text = page(rule) + key_list(rule) if rule is not None else _of_keys(name, known)
    if not text:
        terminal.write([("error", "error"), (f": {_missing(name, known)}\n", "")], sys.stderr)
        return 2
    if terminal.on_terminal(stream):
        _markdown(text, stream)
    else:
        terminal.write_plain(text, stream)
    return 0


def _missing(name: str, rules: Iterable[Rule]) -> str:
    """Why nothing can be said of a name."""
    code, colon, key = name.partition(":")
    rule = find(code, rules)
    if rule is None:
        return f"no rule is called {code}; {suggestion(code, rules)}"
    from lora_lint.engine.select import complaint

    return complaint(f"{rule.code}{colon}{key.strip().lower().replace('_', '-')}")


def _of_keys(name: str, rules: Iterable[Rule]) -> str:
    rule, meant = keys_meant(name, rules) if ":" in name else (None, [])
    return "\n".join(key_page(rule, key) for key in meant) if rule is not None else ""


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
    for sentence in missing_from_index():
        terminal.write([("warning", "warning"), (f": {sentence}\n", "")], sys.stderr)
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
            "tier": rule.tier,
            "keys": list(rule.keys),
            "options": {name: jsonable(value) for name, value in rule.options.items()},
            "evidence": [
                {
                    "tier": source.tier,
                    "text": source.text,
                    "where": source.where,
                    "sentence": sentence,
                    "supports": supports,
                }
                for source, sentence, supports in rule.evidence
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
