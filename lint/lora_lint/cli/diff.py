"""``lora-lint diff``: what a change of a recipe means, and what is not known of it."""

from __future__ import annotations

import argparse
import sys

from lora_lint.compare import render as told
from lora_lint.compare.changes import Side, compare
from lora_lint.compare.revisions import Version, pairs
from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import ConfigError
from lora_lint.engine.run import CLEAN, FINDINGS, Request, Run, is_shown
from lora_lint.read.reading import Unreadable
from lora_lint.report import terminal
from lora_rules.engine._startup.typed import TextIO


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    from lora_lint.cli.arguments import fact_arguments

    parser = argparse.ArgumentParser(
        prog="lora-lint diff",
        description="Tell what changed in meaning, not in text, from one version to another.",
        epilog="A version is a file, or REV:FILE as git names a file of a revision.",
    )
    parser.add_argument("versions", nargs="*", metavar="VERSION", help="OLD NEW")
    parser.add_argument(
        "--git",
        metavar="REV",
        help="compare the files named (without any: all that changed) with that revision",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if anything changed")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    fact_arguments(parser)
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code."""
    from lora_lint.cli.main import declared

    options = parser().parse_args(arguments)
    if options.git is None and len(options.versions) != 2:
        parser().error("two versions are needed, or --git REV")
    run = Run(Request(declared=declared(options)))
    changed = diff(pairs(options.versions, options.git), run, options.format, sys.stdout)
    return FINDINGS if changed and options.exit_code else CLEAN


def diff(compared: list[tuple[Version, Version]], run: Run, form: str, stream: TextIO) -> bool:
    """Write what changed between the versions of each pair; whether anything did.

    Raises:
        ConfigError: if a version does not parse.
    """
    files = [compare(_side(old, run), _side(new, run)) for old, new in compared]
    if form == "json":
        terminal.write_plain(told.document(files), stream)
    elif form == "markdown":
        terminal.write_plain(told.markdown(files), stream)
    else:
        terminal.write(told.segments(files), stream)
    return any(file.changed for file in files)


def _side(version: Version, run: Run) -> Side:
    if version.source is None:
        return Side(version.label)
    config = run.settings(version.path)
    declared = run.request.declared
    try:
        recipes = recipes_of(version.source, config, declared)
    except Unreadable as error:
        raise ConfigError(f"{version.label}: {error}") from None
    report = check(version.source, config, declared)
    shown = tuple(finding for finding in report.findings if is_shown(finding, config))
    return Side(version.label, recipes, shown)
