"""The command line. A command imports what it needs only once it is known to be asked for."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from lora_lint import __version__
from lora_lint.arguments import adoption_arguments, fix_arguments
from lora_lint.config import PROFILE_NAMES, Config, ConfigError, for_folder, root_settings
from lora_lint.discover import Found, MissingPath, discover
from lora_lint.run import CLEAN, FINDINGS, STDIN, TROUBLE, Request, Run, is_shown

if TYPE_CHECKING:
    from lora_lint.fix.session import Session
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


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the answer is the exit code."""
    if argv is None:
        gc.set_threshold(100_000, 20, 20)  # nothing is garbage while we start: 5 ms of looking
    arguments = list(sys.argv[1:] if argv is None else argv)
    command, rest = COMMANDS["check"], arguments
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
    options.plugins_loaded = not options.no_plugins and _load_plugins()
    if not options.watch:
        return _check_once(options)
    if STDIN in options.paths:
        raise ConfigError("--watch looks at files, not at standard input")
    from lora_lint.watch import watch

    return watch(lambda: [file.path for file in _files(options)], lambda: _check_once(options))


def _check_once(options: argparse.Namespace) -> int:
    run = Run(_request(options), _session(options))
    files = _files(options)
    if _adopts(options):
        from lora_lint.adopt import check

        return check(run, files, options, _look_at, _tell)
    _look_at(run, files, options)
    return _tell(run, options)


def _load_plugins() -> bool:
    """Load the rules that this repository's settings name; whether there are any."""
    names = root_settings().plugins
    if not names:
        return False
    from lora_lint.plugins import load

    return bool(load(names))


def _tell(run: Run, options: argparse.Namespace) -> int:
    if run.session is not None:
        from lora_lint.fix.session import tell

        return tell(run, run.session, options)
    return run.tell(sys.stdout)


def _adopts(options: argparse.Namespace) -> bool:
    """Whether findings that were there before are to be left out, or written down."""
    asked = options.baseline or options.write_baseline or options.add_ignores or options.since
    return bool(asked or for_folder(os.getcwd()).baseline)


def _look_at(run: Run, files: list[Found], options: argparse.Namespace) -> None:
    if len(files) == 1 or options.plugins_loaded:
        for file in files:
            run.look_at(file)
        return
    from lora_lint.parallel import look_at

    look_at(run, files, options.jobs, options.cache and not options.online)


def _session(options: argparse.Namespace) -> Session | None:
    """What mends files, where the command line asks for fixes."""
    if not (options.fix or options.fix_only or options.diff):
        return None
    from lora_lint.fix.session import Mode, Session

    mode = Mode(options.unsafe_fixes, options.diff, options.fix_only, options.show_fixes)
    return Session(mode, is_shown)


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
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="tokens of the longest sequence"
    )
    parser.add_argument("--html", metavar="FILE", help="write a page with the picture, too")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.memory import memory

    try:
        memory(recipes, options.format, sys.stdout, options.html or "")
    except OSError as problem:
        if problem.filename is None:
            raise
        raise ConfigError(f"{problem.filename}: {problem.strerror}") from None
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
    fact_arguments(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    return parser


def _recipes(options: argparse.Namespace) -> tuple[tuple[Recipe, ...], Run]:
    run = Run(Request(declared=declared(options), stdin_filename=options.stdin_filename or ""))
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
    options = parser.parse_args(arguments)
    _load_plugins()
    from lora_lint.explain import explain

    return max(explain(name, sys.stdout) for name in options.rules)


def _rules(arguments: list[str]) -> int:
    from lora_lint.explain import list_rules
    from lora_lint.profiles import described

    parser = argparse.ArgumentParser(
        prog="lora-lint rules",
        description="List all rules.",
        epilog=f"{PROFILES_HELP}\n{described()}",
        formatter_class=_help,
    )
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--profile", choices=PROFILE_NAMES, help="as they are in this profile")
    options = parser.parse_args(arguments)
    _load_plugins()
    list_rules(options.format, sys.stdout, profile=options.profile)
    return CLEAN


def _in_module(name: str) -> Callable[[list[str]], int]:
    """A command that is a module of its own, with a ``main``."""

    def command(arguments: list[str]) -> int:
        from importlib import import_module

        code: int = import_module(f"lora_lint.{name}").main(arguments)
        return code

    return command


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "check": _check,
    "show": _show,
    "memory": _memory,
    "params": _params,
    "explain": _explain,
    "rules": _rules,
    "diff": _in_module("diff"),
    "init": _in_module("init"),
    "config": _in_module("config_command"),
    "completion": _in_module("completion"),
    "test-rules": _in_module("rules_command"),
    "server": _in_module("lsp.command"),
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
    fix_arguments(parser)
    adoption_arguments(parser)
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


def _request(options: argparse.Namespace) -> Request:
    return Request(
        select=_names(options.select),
        extend_select=_names(options.extend_select),
        ignore=_names(options.ignore),
        fail_on=options.fail_on,
        min_severity=options.min_severity,
        pedantic=options.pedantic,
        profile=options.profile,
        declared=declared(options),
        stdin_filename=options.stdin_filename or "",
        form=options.format,
        quiet=options.quiet,
        verbose=options.verbose,
        statistics=options.statistics,
    )


def _names(values: list[str] | None) -> tuple[str, ...]:
    names = (name.strip() for value in values or () for name in value.split(","))
    return tuple(name for name in names if name)


def declared(options: argparse.Namespace) -> dict[str, object]:
    """What the command line says that the files do not, by setting.

    Raises:
        ConfigError: for a number below one.
    """
    names = ("gpu", "gpu_count", "train_rows", "max_length", "online")
    named = {name: getattr(options, name, None) for name in names}
    declared = {name: value for name, value in named.items() if value is not None}
    if "online" in declared:
        from importlib.util import find_spec

        if find_spec("huggingface_hub") is None:
            raise ConfigError("--online needs huggingface_hub: pip install huggingface_hub")
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
