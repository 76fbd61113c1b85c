"""Compares what a framework answers to a mutation with what the linter reports of it."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from lora_lint.engine.check import check
from lora_lint.engine.config import Config as Settings
from lora_lint.engine.finding import Finding
from lora_lint.sources.source import Source
from lora_rules.engine.problem import Severity

from .mutations import Config, Mutation
from .nested import unflattened

OF_THE_FRAMEWORK = ("LL001", "LL012", "LL014")
"""Rules that speak of what the framework itself refuses."""


OF_THE_TRAINER = ("LL012:transformers/save-strategy-best-needs-metric",)
"""What transformers refuses where its trainer is made, which is not asked here."""


class Recipe(NamedTuple):
    """A sound configuration."""

    name: str
    config: Config


class Verdict(NamedTuple):
    """How a mutation was judged by both."""

    recipe: Recipe

    mutation: Mutation
    refused: str
    """The framework's words; empty where it accepts."""
    reported: tuple[Finding, ...]
    """What the linter reports that it does not report of the recipe as it was."""
    same_key: bool
    """Whether one of them is about a key that was changed."""

    @property
    def false_error(self) -> bool:
        """An error that says the framework refuses what it accepts."""
        return not self.refused and any(
            f.code in OF_THE_FRAMEWORK and f.full_code not in OF_THE_TRAINER for f in self._errors
        )

    @property
    def later_error(self) -> bool:
        """An error of what PEFT or transformers would refuse later, which is not asked here."""
        return not self.refused and bool(self._errors) and not self.false_error

    @property
    def _errors(self) -> list[Finding]:
        return [each for each in self.reported if each.severity is Severity.ERROR]


def findings(name: str, config: Config) -> tuple[Finding, ...]:
    """What the linter shows of a configuration by default."""
    source = Source(name, "yaml", dumped(config).encode())
    report = check(source, Settings(), {})
    return tuple(f for f in report.findings if f.certain and f.severity >= Severity.WARNING)


def dumped(config: Config) -> str:
    """The configuration as YAML."""
    return yaml.safe_dump(unflattened(config), sort_keys=False)


def judge(mutation: Mutation, recipe: Recipe, refused: str) -> Verdict:
    """Compare what is new against the recipe as it was with the framework's answer."""
    before = findings(recipe.name, recipe.config)
    known = {(each.full_code, each.message) for each in before}
    new = tuple(
        each
        for each in findings(recipe.name, mutation.config)
        if (each.full_code, each.message) not in known
    )
    text = dumped(mutation.config).splitlines()
    keys = {key.rpartition(".")[2] for key in mutation.keys}
    same = any(keys & _words(each, text) for each in new)
    return Verdict(recipe, mutation, refused, new, same)


def _words(finding: Finding, text: list[str]) -> set[str]:
    """The words of a finding, and of the lines that it marks."""
    spans = [finding.span, *(span for span, _word in finding.also)]
    lines = " ".join(text[span.line - 1] for span in spans)
    return set(re.findall(r"\w+", f"{finding.message} {finding.help} {lines}"))
