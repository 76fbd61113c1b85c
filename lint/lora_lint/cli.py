"""The command line. A command imports what it needs only once it is known to be asked for."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from lora_lint import __version__
from lora_lint.config import Config, ConfigError
from lora_lint.discover import Found, MissingPath, discover
from lora_lint.run import CLEAN, FINDINGS, STDIN, TROUBLE, Request, Run

if TYPE_CHECKING:
    from lora_rules.recipe import Recipe

DESCRIPTION = """\
Reads LoRA fine-tuning configurations wherever people write them (Python, notebooks, YAML, JSON,
shell) and says what is wrong before a GPU hour is spent."""

EPILOG = """\
commands:
  lora-lint [check] PATH ...   lint files and folders (this page)
  lora-lint show FILE ...      print each recipe as it was understood
  lora-lint memory FILE ...    forecast its GPU memory, part by part
  lora-lint params FILE ...    count what it trains, module by module
  lora-lint explain RULE ...   print the page of a rule
  lora-lint rules              list all rules

exit codes: 0 clean, 1 findings at or above --fail-on, 2 the tool could not do its work"""


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the answer is the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command, rest = _check, arguments
    if arguments and arguments[0] in COMMANDS:
        command, rest = COMMANDS[arguments[0]], arguments[1:]
    try:
        return command(rest)
    except (ConfigError, MissingPath) as error:
        sys.stderr.write(f"lora-lint: {error}\n")
        return TROUBLE
    except BrokenPipeError:
        # The reader (``head``, a pager) went away: there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINDINGS
    except KeyboardInterrupt:
        return 130


def _check(arguments: list[str]) -> int:
    options = _check_parser().parse_args(arguments)
    run = Run(_request(options))
    for file in _files(options):
        run.look_at(file)
    return run.tell(sys.stdout)


def _show(arguments: list[str]) -> int:
    parser = _reading_parser("show", "Print each recipe as it was understood.")
    parser.add_argument("--all", action="store_true", help="also the defaults that few care about")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.show import show

    show(recipes, options.format, sys.stdout, everything=options.all)
    return _end(run)


def _memory(arguments: list[str]) -> int:
    parser = _reading_parser("memory", "Forecast the GPU memory of each recipe, part by part.")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.memory import memory

    memory(recipes, options.format, sys.stdout)
    return _end(run)


def _params(arguments: list[str]) -> int:
    parser = _reading_parser("params", "Count what each recipe trains, module by module.")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.params import params

    params(recipes, options.format, sys.stdout)
    return _end(run)


def _reading_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The arguments of a command that reads recipes and tells something of each."""
    parser = argparse.ArgumentParser(prog=f"lora-lint {command}", description=description)
    _path_arguments(parser)
    _fact_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    return parser


def _recipes(options: argparse.Namespace) -> tuple[tuple[Recipe, ...], Run]:
    run = Run(Request(declared=_declared(options), stdin_filename=options.stdin_filename or ""))
    return tuple(recipe for file in _files(options) for recipe in run.recipes(file)), run


def _end(run: Run) -> int:
    """Tell what could not be read; the answer is the exit code."""
    for trouble in run.troubles:
        sys.stderr.write(f"lora-lint: {trouble.path}: {trouble.message}\n")
    return run.exit_code


def _explain(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="lora-lint explain", description="Print the page of a rule."
    )
    parser.add_argument("rules", nargs="+", metavar="RULE", help="a code or a name")
    from lora_lint.explain import explain

    return max(explain(name, sys.stdout) for name in parser.parse_args(arguments).rules)


def _rules(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="lora-lint rules", description="List all rules.")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    from lora_lint.explain import list_rules

    list_rules(parser.parse_args(arguments).format, sys.stdout)
    return CLEAN


COMMANDS = {
    "check": _check,
    "show": _show,
    "memory": _memory,
    "params": _params,
    "explain": _explain,
    "rules": _rules,
}
"""The first word of the command line. A folder of such a name is meant by ``./rules``."""


def _check_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lora-lint",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=_help,
    )
    parser.add_argument("--version", action="version", version=f"lora-lint {__version__}")
    _path_arguments(parser)
    _rule_arguments(parser)
    _fact_arguments(parser)
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


def _rule_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("which rules (a code, a prefix or a name; commas separate)")
    which.add_argument("--select", action="append", metavar="RULES", help="only these")
    which.add_argument("--extend-select", action="append", metavar="RULES", help="these too")
    which.add_argument("--ignore", action="append", metavar="RULES", help="not these")
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


def _fact_arguments(parser: argparse.ArgumentParser) -> None:
    facts = parser.add_argument_group("what the files do not say")
    facts.add_argument(
        "--gpu", metavar="NAME", help='the GPU of the runs: "RTX 4090", "A100 80GB", "24 GB"'
    )
    facts.add_argument("--gpu-count", type=int, metavar="N", help="how many of them")
    facts.add_argument("--train-rows", type=int, metavar="N", help="how many training examples")


def _request(options: argparse.Namespace) -> Request:
    return Request(
        select=_names(options.select),
        extend_select=_names(options.extend_select),
        ignore=_names(options.ignore),
        fail_on=options.fail_on,
        min_severity=options.min_severity,
        pedantic=options.pedantic,
        declared=_declared(options),
        stdin_filename=options.stdin_filename or "",
        form=options.format,
        quiet=options.quiet,
        verbose=options.verbose,
        statistics=options.statistics,
    )


def _names(values: list[str] | None) -> tuple[str, ...]:
    names = (name.strip() for value in values or () for name in value.split(","))
    return tuple(name for name in names if name)


def _declared(options: argparse.Namespace) -> dict[str, object]:
    """What the command line says that the files do not, by setting.

    Raises:
        ConfigError: for a number below one.
    """
    named = {name: getattr(options, name) for name in ("gpu", "gpu_count", "train_rows")}
    declared = {name: value for name, value in named.items() if value is not None}
    for name, value in declared.items():
        if isinstance(value, int) and value < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    return declared


def _files(options: argparse.Namespace) -> list[Found]:
    """The files to look at.

    Raises:
        MissingPath: if a path does not exist.
    """
    overrides = Config(exclude=_names(options.exclude), force_exclude=options.force_exclude)
    paths = [path for path in options.paths or ["."] if path != STDIN]
    found = list(discover(paths, overrides))
    if STDIN in options.paths:
        found.append(Found(STDIN, named=True))
    return found
