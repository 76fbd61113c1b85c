"""The pages of the rules, from their docstrings and the fire rates in ``docs/fire_rates.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lora_lint.cli.explain import page
from lora_rules.engine.keys import KeyPage, full_code
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule

RATES = Path(__file__).parent.parent / "docs" / "fire_rates.json"

FAMILIES = {
    "LL0": "The configuration itself",
    "LL1": "Scale",
    "LL2": "Rank and capacity",
    "LL3": "Dropout",
    "LL4": "Targets",
    "LL5": "Quantization",
    "LL6": "Memory",
    "LL7": "Precision and hardware",
    "LL8": "Optimization",
    "LL9": "Data",
    "LLA": "Launch",
    "LLB": "Scripts",
}
"""What the first three letters of a code say."""

HEAD = "| code | name | severity | what it finds | fires on |\n|---|---|---|---|---|"

INTRODUCTION = """\
# Rules

**error**: it will fail, or will train nothing, or the measurement is overwhelming. **warning**:
probably not what was meant. **info** (shown with `--min-severity info`): worth knowing. Each page
names its evidence and its tier, from A (verified by running the code or reading it) to E (a
convention without a measurement, which the message then says).

The last column is the share of the {recipes} official recipes (axolotl, torchtune, LLaMA-Factory)
that the rule speaks on: a measure of its false alarms, because those recipes are sound.
`python tools/fire_rates.py` counts it.
"""


def rules_page() -> str:
    """The table of all rules, family by family."""
    parts = [INTRODUCTION.format(recipes=_rates()["recipes"])]
    for prefix, title in FAMILIES.items():
        rules = [rule for code, rule in all_rules().items() if code.startswith(prefix)]
        if rules:
            rows = "\n".join(_row(rule) for rule in rules)
            parts.append(f"## {prefix} {title}\n\n{HEAD}\n{rows}\n")
    return "\n".join(parts)


def rule_pages() -> Iterator[tuple[str, str]]:
    """Each rule's file name and page."""
    for code, rule in all_rules().items():
        head, _, rest = page(rule).partition("\n\n")
        severity, _, rest = rest.partition("\n\n")
        facts = f"{severity} · evidence: {rule.tier} · of the official recipes: {_share(rule)}"
        yield f"{code}.md", f"{head}\n\n{facts}\n\n{rest}{key_sections(rule)}"


def key_sections(rule: Rule) -> str:
    """A section for each key of a rule, those of one owner together; empty where it has none."""
    pages = list(rule.keys.values())
    owners = dict.fromkeys(page.owner for page in pages)
    return "".join(_owner(rule, [each for each in pages if each.owner == one]) for one in owners)


def _owner(rule: Rule, pages: list[KeyPage]) -> str:
    """The keys of one owner; what holds for all of them stands once, at the top."""
    common = {(page.moment, page.source) for page in pages if page.moment}
    shared = common.pop() if len(common) == 1 else ("", "")
    head = [f"## Refused by {pages[0].owner}"]
    if shared != ("", ""):
        head.append(_sentences(shared[0], _link(shared[1])))
    return "\n" + "\n\n".join([*head, *(_key(rule, page, shared) for page in pages)]) + "\n"


def _key(rule: Rule, page: KeyPage, shared: tuple[str, str]) -> str:
    code = full_code(rule.code, page.key)
    own = page.moment and (page.moment, page.source) != shared
    severity = page.severity or rule.severity
    text = _sentences(
        page.says,
        page.why,
        page.moment if own else "",
        page.do,
        f"Since: {page.since}." if page.since else "",
        _link(page.source) if own else "",
    )
    rate = _rate(_rates()["keys"].get(code, {}), severity.word)
    return f"### {code}\n\n{severity.word}, fires on {rate}\n\n{text}"


def _sentences(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def _link(source: str) -> str:
    """``<address>, where in it``, where there is an address."""
    address, comma, rest = source.partition(",")
    return f"Source: <{address}>{comma}{rest.rstrip('.')}." if source.startswith("http") else source


def _row(rule: Rule) -> str:
    summary = rule.summary.replace("|", "\\|")
    severity = f"{rule.severity.word}{' (preview)' if rule.preview else ''}"
    return (
        f"| [{rule.code}]({rule.code}.md) | `{rule.name}` | {severity} | {summary} "
        f"| {_share(rule)} |"
    )


def _share(rule: Rule) -> str:
    """``1.3 %``, or by severity where a rule has several."""
    return _rate(_rates()["fired"].get(rule.code, {}), rule.severity.word)


def _rate(fired: dict[str, int], usual: str) -> str:
    """The share of the recipes, and of other severities than the usual one after it."""
    if not fired:
        return "0 %"
    ordered = sorted(fired.items(), key=lambda each: each[0] != usual)
    return ", ".join(
        f"{100 * count / _rates()['recipes']:.1f} %" + ("" if word == usual else f" as {word}")
        for word, count in ordered
    )


@cache
def _rates() -> dict:
    return json.loads(RATES.read_text())
