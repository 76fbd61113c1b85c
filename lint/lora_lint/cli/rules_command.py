"""``lora-lint test-rules``: the pages of a plugin's rules, held to what ours are held to."""

from __future__ import annotations

import argparse
import sys

from lora_lint.engine.config import ConfigError
from lora_lint.engine.run import CLEAN, FINDINGS


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="lora-lint test-rules",
        description="Run the Bad and Good examples in the pages of your own rules. "
        "The files are loaded, that is, run.",
    )
    parser.add_argument("plugins", nargs="+", metavar="FILE", help="a plugin, or its entry point")
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code.

    Raises:
        ConfigError: if a plugin cannot be loaded, or holds no rules.
    """
    from lora_lint.engine.plugins import load
    from lora_lint.engine.rule_examples import run

    named = parser().parse_args(arguments).plugins
    rules = load(named)
    if not rules:
        raise ConfigError(f"{', '.join(named)}: no rule is registered there (@rule makes one)")
    codes = frozenset(rule.code for rule in rules)
    failed = 0
    for rule in rules:
        outcome = run(rule, codes)
        verdict = "failed" if outcome.problems else "ok"
        counts = f"{outcome.bad} bad, {outcome.good} good"
        sys.stdout.write(f"{rule.code} {rule.name}: {counts}: {verdict}\n")
        for problem in outcome.problems:
            sys.stdout.write(f"  {problem}\n")
        failed += bool(outcome.problems)
    return FINDINGS if failed else CLEAN
