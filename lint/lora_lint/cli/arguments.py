"""What the command line may say, as argparse reads it. Imported once an option is given.

Defaults of the check's options stand in :mod:`lora_lint.cli.options`.
"""

from __future__ import annotations

import argparse

from lora_lint import __version__
from lora_lint.engine.config import PROFILE_NAMES

DESCRIPTION = """\
Reads LoRA fine-tuning configurations wherever people write them (Python, notebooks, YAML, JSON,
TOML, shell) and says what is wrong before a GPU hour is spent."""

EPILOG = """\
commands:
  lora-lint [check] PATH ...   lint files and folders (this page)
  lora-lint show FILE ...      print each recipe as it was understood
  lora-lint memory FILE ...    forecast its GPU memory, part by part
  lora-lint params FILE ...    count what it trains, module by module
  lora-lint diff OLD NEW       tell what changed in meaning between two versions
  lora-lint explain RULE ...   print the page of a rule
  lora-lint rules              list all rules
  lora-lint init               set this repository up
  lora-lint config             print the settings in force, or --schema of all
  lora-lint completion SHELL   print what completes these commands in bash, zsh or fish
  lora-lint test-rules FILE    run the examples in the pages of your own rules
  lora-lint server             serve an editor, over the Language Server Protocol

settings: [tool.lora-lint] in pyproject.toml, or lora-lint.toml; `profile = "modern"` there, or
--profile, starts from another school than the default (`lora-lint rules --profile modern`)

exit codes: 0 clean, 1 findings at or above --fail-on, 2 the tool could not do its work"""


PROFILES_HELP = """\
profiles change which rules run, how severe they are and their limits; what is selected, ignored or
set as an option comes on top:"""


def check_parser() -> argparse.ArgumentParser:
    """The parser of the check. Defaults stand in ``options.py``."""
    parser = argparse.ArgumentParser(
        prog="lora-lint",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_help,
    )
    parser.add_argument("--version", action="version", version=f"lora-lint {__version__}")
    _path_arguments(parser)
    _rule_arguments(parser)
    _fix_arguments(parser)
    _adoption_arguments(parser)
    fact_arguments(parser)
    _speed_arguments(parser)
    told = parser.add_argument_group("how it is told")
    told.add_argument(
        "--format",
        choices=("text", "json", "sarif", "github", "gitlab", "junit"),
        default="text",
    )
    told.add_argument("--statistics", action="store_true", help="count findings by rule")
    told.add_argument("-q", "--quiet", action="store_true", help="a line a finding, nothing else")
    told.add_argument(
        "-v", "--verbose", action="store_true", help="also what could not be checked, and why"
    )
    return parser


def _help(prog: str) -> argparse.HelpFormatter:
    """A fixed width, because asking the terminal for its own imports shutil: 2 ms at each start."""
    return argparse.RawDescriptionHelpFormatter(prog, width=98)


def _path_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: .)")
    files = parser.add_argument_group("which files")
    files.add_argument("--exclude", action="append", metavar="PATTERN", help="leave these out")
    files.add_argument(
        "--force-exclude", action="store_true", help="also where such a file is named"
    )
    files.add_argument(
        "--stdin-filename", metavar="NAME", help="what to call the text that - reads from stdin"
    )


def _speed_arguments(parser: argparse.ArgumentParser) -> None:
    speed = parser.add_argument_group("how it works")
    speed.add_argument("--watch", action="store_true", help="lint again whenever a file changes")
    speed.add_argument("-j", "--jobs", type=_processes, metavar="N", help="processes (one a core)")
    speed.add_argument(
        "--no-cache", dest="cache", action="store_false", help="check what was checked before again"
    )
    follow_argument(speed)


def follow_argument(parser: argparse._ActionsContainer) -> None:
    """Whether names are followed into other files of the repository."""
    parser.add_argument(
        "--no-follow",
        dest="follow",
        action="store_false",
        help="read each file for itself: no imports, callers or commands of the repository",
    )


def _processes(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(text)


def _rule_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which rules (a code, a prefix or a name; commas separate)")
    which.add_argument(
        "--profile",
        choices=PROFILE_NAMES,
        help="a school to start from; `lora-lint rules --help` says what each is for",
    )
    which.add_argument("--select", action="append", metavar="RULES", help="only these")
    which.add_argument("--extend-select", action="append", metavar="RULES", help="these too")
    which.add_argument("--ignore", action="append", metavar="RULES", help="not these")
    plugin_argument(which)
    which.add_argument("--no-plugins", action="store_true", help="load no rules of your own")
    levels = ("info", "warning", "error")
    which.add_argument(
        "--min-severity", choices=levels, help="show findings from this level on (warning)"
    )
    which.add_argument("--fail-on", choices=levels, help="exit with 1 from this level on (warning)")
    which.add_argument(
        "--pedantic",
        action="store_true",
        help="also what holds for only some of the values that a setting may have",
    )


def plugin_argument(parser: argparse._ActionsContainer) -> None:
    """Add how files with rules of one's own are named."""
    parser.add_argument(
        "--plugin-file",
        action="append",
        metavar="PATH",
        help="load rules of your own from this file, which is run; may be given again",
    )


def fact_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is declared on the command line."""
    facts = parser.add_argument_group("what the files do not say")
    facts.add_argument(
        "--gpu", metavar="NAME", help='the GPU of the runs: "RTX 4090", "A100 80GB", "24 GB"'
    )
    facts.add_argument("--gpu-count", type=int, metavar="N", help="how many of them")
    facts.add_argument("--train-rows", type=int, metavar="N", help="how many training examples")
    facts.add_argument(
        "--online",
        action="store_true",
        default=None,
        help="ask the hub for the config.json of a model that is not known here",
    )


def _fix_arguments(parser: argparse.ArgumentParser) -> None:
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


def _adoption_arguments(parser: argparse.ArgumentParser) -> None:
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


def reading_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The arguments of a command that reads recipes and tells something of each."""
    parser = argparse.ArgumentParser(prog=f"lora-lint {command}", description=description)
    _path_arguments(parser)
    fact_arguments(parser)
    follow_argument(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    plugin_argument(parser)
    return parser


def explain_parser() -> argparse.ArgumentParser:
    """The arguments of ``lora-lint explain``."""
    parser = argparse.ArgumentParser(
        prog="lora-lint explain", description="Print the page of a rule."
    )
    parser.add_argument(
        "rules",
        nargs="+",
        metavar="RULE",
        help="a code, a name, or a code and key: LL012:axolotl/qlora-needs-load-in-4bit",
    )
    plugin_argument(parser)
    return parser


def rules_parser() -> argparse.ArgumentParser:
    """The arguments of ``lora-lint rules``."""
    from lora_lint.engine.profiles import described

    parser = argparse.ArgumentParser(
        prog="lora-lint rules",
        description="List all rules.",
        epilog=f"{PROFILES_HELP}\n{described()}",
        formatter_class=_help,
    )
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--profile", choices=PROFILE_NAMES, help="as they are in this profile")
    plugin_argument(parser)
    return parser
