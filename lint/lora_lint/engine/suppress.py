"""Suppression comments against findings: what they cover, and which of them cover nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lora_lint.engine.finding import Finding
from lora_lint.engine.select import IsWanted
from lora_lint.engine.selector import means, rule_part
from lora_lint.read.directives import Directive
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Recipe, Span


def apply(
    findings: Iterable[Finding], directives: tuple[Directive, ...], recipes: tuple[Recipe, ...]
) -> tuple[list[Finding], set[int]]:
    """Mark what is suppressed.

    Returns:
        The findings, and the positions of the directives that suppressed something.
    """
    calls = [block.span for recipe in recipes if recipe.callee for block in recipe.blocks]
    used: set[int] = set()
    marked: list[Finding] = []
    for finding in findings:
        for position, directive in enumerate(directives):
            if _covers(directive, finding, calls):
                used.add(position)
                finding = finding._replace(suppressed=directive.reason)
                break
        marked.append(finding)
    return marked, used


def _covers(directive: Directive, finding: Finding, calls: list[Span]) -> bool:
    if directive.kind not in ("ignore", "ignore-file"):
        return False
    if directive.rules and not any(
        means(selector, finding.code, finding.name, finding.key) for selector in directive.rules
    ):
        return False
    if directive.kind == "ignore-file":
        return True
    return any(
        span.cell == directive.span.cell and _touches(directive, span, calls)
        for span in (finding.span, *(span for span, _label in finding.also))
    )


def _touches(directive: Directive, span: Span, calls: list[Span]) -> bool:
    """The comment stands on the span's lines, above them, or on the call around them."""
    line = directive.applies_to if directive.alone else directive.span.line
    if line is None:
        return False
    if span.line <= line <= span.end_line:
        return True
    return any(
        call.cell == span.cell and call.line == line and call.line <= span.line <= call.end_line
        for call in calls
    )


def judged(directive: Directive, rules: Mapping[str, Rule], is_wanted: IsWanted) -> bool:
    """Whether a suppression can be called unused: every rule and key that it names was checked."""
    return directive.kind in ("ignore", "ignore-file") and all(
        any(_checks(rule, selector, is_wanted) for rule in rules.values())
        for selector in directive.rules
    )


def _checks(rule: Rule, selector: str, is_wanted: IsWanted) -> bool:
    """Whether a rule that ran reports what a selector means."""
    key = selector.partition(":")[2]
    return means(rule_part(selector), rule.code, rule.name) and is_wanted(rule.code, rule.name, key)
