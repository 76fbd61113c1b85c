"""Groups of the check's arguments: fixes, and findings that were there before."""

from __future__ import annotations

import argparse


def fix_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what mends files."""
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument(
        "--fix", action="store_true", help="make the safe ones: what ran before did nothing"
    )
    fixes.add_argument(
        "--unsafe-fixes", action="store_true", help="also those that change what a run does"
    )
    fixes.add_argument(
        "--diff", action="store_true", help="show what would change, and change nothing"
    )
    fixes.add_argument(
        "--fix-only", action="store_true", help="fix, and say nothing of what is left"
    )
    fixes.add_argument(
        "--show-fixes", action="store_true", help="list every fix, and why others are not made"
    )


def adoption_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what leaves old findings out, or writes them down."""
    old = parser.add_argument_group("findings that were there before")
    old.add_argument("--baseline", metavar="FILE", help="say nothing of what FILE counts")
    old.add_argument(
        "--write-baseline",
        action="store_true",
        help="count what is found into the baseline (default: lora-lint-baseline.json)",
    )
    old.add_argument(
        "--since", metavar="REV", help="only what changed since that revision, or came with it"
    )
    old.add_argument(
        "--add-ignores", action="store_true", help="write a comment that ignores each finding"
    )
    old.add_argument("--reason", default="", metavar="TEXT", help="what those comments give")
