"""The command line. A command imports what it needs only once it is known to be asked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable

from lora_lint.cli.options import Options, of_paths
from lora_lint.engine.config import (
    Config,
    ConfigError,
    for_folder,
    repository_of,
    root_settings,
    user_file,
)
from lora_lint.engine.run import CLEAN, FINDINGS, STDIN, TROUBLE, Request, Run, is_shown
from lora_lint.sources.discover import Found, MissingPath, discover
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import Namespace

    from lora_lint.fix.session import Session
    from lora_rules.recipe import Recipe


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the answer is the exit code, unless the process ends here."""
    if argv is not None:
        return _run(argv)
    gc.set_threshold(100_000, 20, 20)  # nothing is garbage while we start: 5 ms of looking
    code = _run(sys.argv[1:])
    _end_at_once(code)
    return code


def _run(arguments: list[str]) -> int:
    command, rest = COMMANDS["check"], arguments
    if arguments and arguments[0] in COMMANDS:
        command, rest = COMMANDS[arguments[0]], arguments[1:]
    try:
        return command(rest)
    except (ConfigError, MissingPath) as error:
        sys.stderr.write(f"lora-lint: {error}\n")
        return TROUBLE
    except BrokenPipeError:
        _write_nowhere()  # the reader (``head``, a pager) went away: there is nobody left to tell
        return FINDINGS
    except OSError as error:
        if error.filename is not None:
            raise
        _write_nowhere()
        sys.stderr.write(f"lora-lint: the report cannot be written: {error.strerror}\n")
        return TROUBLE
    except KeyboardInterrupt:
        return 130


def _write_nowhere() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_at_once(code: int) -> None:
    """End the process, unless somebody waits for an orderly end.

    Taking two hundred modules down, one by one, would take 2 ms more.
    """
    gc.freeze()
    if "atexit" in sys.modules or "threading" in sys.modules:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # the interpreter says so as it ends
    os._exit(code)


def _check(arguments: list[str]) -> int:
    options = of_paths(arguments) or _options(arguments)
    options.plugins_loaded = not options.no_plugins and load_plugins(options.plugin_file)
    if not options.watch:
        return _check_once(options)
    if STDIN in options.paths:
        raise ConfigError("--watch looks at files, not at standard input")
    from lora_lint.engine.watch import watch

    return watch(lambda: [file.path for file in _files(options)], lambda: _check_once(options))


def _options(arguments: list[str]) -> Options:
    from lora_lint.cli.arguments import check_parser

    return check_parser().parse_args(arguments, Options())


def _check_once(options: Options) -> int:
    run = Run(_request(options), _session(options))
    files = _files(options)
    if _keeps_index(options):
        from lora_lint.cli.beside import checking_programs

        return checking_programs(run, files, options, _check_files)
    return _check_files(run, files, options)


def _check_files(run: Run, files: list[Found], options: Options) -> int:
    if _adopts(options):
        from lora_lint.engine.adopt import check

        return check(run, files, options, _look_at, _tell)
    _look_at(run, files, options)
    return _tell(run, options)


def _keeps_index(options: Options) -> bool:
    """Whether it is kept, and looked up, which programs depend on which files."""
    is_plain = options.follow and options.cache and not options.online
    if not is_plain or options.plugins_loaded or STDIN in options.paths:
        return False
    return any(repository_of(os.path.join(path, "x")) for path in options.paths or ["."])


def load_plugins(named: list[str] | None) -> bool:
    """Load plugins, and warn of those that are not loaded; whether there are any.

    Args:
        named: the files that the command line names.

    Raises:
        ConfigError: if settings are broken, or a plugin cannot be loaded.
    """
    if not named and not root_settings().plugins and not os.path.exists(user_file()):
        return False
    from lora_lint.engine import trust

    found = trust.plugins(tuple(named or ()))
    if found.refused:
        sys.stderr.write(f"lora-lint: warning: {trust.warning(found)}\n")
    if not found.load:
        return False
    from lora_lint.engine.plugins import load

    load(found.load)
    return True


def _tell(run: Run, options: Options) -> int:
    if run.session is not None:
        from lora_lint.fix.session import Session, tell

        if isinstance(run.session, Session):
            return tell(run, run.session, options)
    return run.tell(sys.stdout)


def _adopts(options: Options) -> bool:
    """Whether findings that were there before are to be left out, or written down."""
    asked = options.baseline or options.write_baseline or options.add_ignores or options.since
    return bool(asked or for_folder(os.getcwd()).baseline)


def _look_at(run: Run, files: list[Found], options: Options) -> None:
    if len(files) == 1 or options.plugins_loaded:
        for file in files:
            run.look_at(file)
        return
    from lora_lint.engine.parallel import look_at

    look_at(run, files, options.jobs, options.cache and not options.online)


def _session(options: Options) -> Session | None:
    """What mends files, where the command line asks for fixes."""
    if not (options.fix or options.fix_only or options.diff):
        return None
    from lora_lint.fix.session import Mode, Session

    mode = Mode(options.unsafe_fixes, options.diff, options.fix_only, options.show_fixes)
    return Session(mode, is_shown)


def _show(arguments: list[str]) -> int:
    from lora_lint.cli.arguments import reading_parser

    parser = reading_parser("show", "Print each recipe as it was understood.")
    parser.add_argument("--all", action="store_true", help="also the defaults that few care about")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.cli.show import show

    show(recipes, options.format, sys.stdout, everything=options.all)
    if all(recipe.dialect == "generic" for recipe in recipes):
        _tell_unbuilt()
    return _end(run)


def _tell_unbuilt() -> None:
    """Say which framework was written and not built: its files look like nobody's."""
    from lora_rules.frameworks.unbuilt import missing_from_tables

    for sentence in missing_from_tables():
        sys.stderr.write(f"lora-lint: warning: {sentence}\n")


def _memory(arguments: list[str]) -> int:
    from lora_lint.cli.arguments import reading_parser

    parser = reading_parser("memory", "Forecast the GPU memory of each recipe, part by part.")
    parser.add_argument(
        "--max-length", type=int, metavar="N", help="tokens of the longest sequence"
    )
    parser.add_argument("--html", metavar="FILE", help="write a page with the picture, too")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.cli.memory import memory

    try:
        memory(recipes, options.format, sys.stdout, options.html or "")
    except OSError as problem:
        if problem.filename is None:
            raise
        raise ConfigError(f"{problem.filename}: {problem.strerror}") from None
    return _end(run)


def _params(arguments: list[str]) -> int:
    from lora_lint.cli.arguments import reading_parser

    parser = reading_parser("params", "Count what each recipe trains, module by module.")
    options = parser.parse_args(arguments)
    recipes, run = _recipes(options)
    from lora_lint.cli.params import params

    params(recipes, options.format, sys.stdout)
    return _end(run)


def _recipes(options: Options | Namespace) -> tuple[tuple[Recipe, ...], Run]:
    load_plugins(options.plugin_file)  # they may bring the framework that a file is written for
    request = Request(
        declared=declared(options),
        stdin_filename=options.stdin_filename or "",
        follow=options.follow,
    )
    run = Run(request)
    return tuple(recipe for file in _files(options) for recipe in run.recipes(file)), run


def _end(run: Run) -> int:
    """Tell what could not be read; the answer is the exit code."""
    for trouble in run.troubles:
        sys.stderr.write(f"lora-lint: {trouble.path}: {trouble.message}\n")
    return run.exit_code


def _explain(arguments: list[str]) -> int:
    from lora_lint.cli.arguments import explain_parser

    options = explain_parser().parse_args(arguments)
    load_plugins(options.plugin_file)
    from lora_lint.cli.explain import explain

    return max(explain(name, sys.stdout) for name in options.rules)


def _rules(arguments: list[str]) -> int:
    from lora_lint.cli.arguments import rules_parser
    from lora_lint.cli.explain import list_rules

    options = rules_parser().parse_args(arguments)
    load_plugins(options.plugin_file)
    list_rules(options.format, sys.stdout, profile=options.profile)
    return CLEAN


def _in_module(name: str) -> Callable[[list[str]], int]:
    """A command that is a module of its own, with a ``main``."""

    def command(arguments: list[str]) -> int:
        from importlib import import_module

        code: int = import_module(f"lora_lint.cli.{name}").main(arguments)
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
    "server": _in_module("server"),
}
"""The first word of the command line. A folder of such a name is meant by ``./rules``."""


def _request(options: Options) -> Request:
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
        follow=options.follow,
        form=options.format,
        quiet=options.quiet,
        verbose=options.verbose,
        statistics=options.statistics,
    )


def _names(values: list[str] | None) -> tuple[str, ...]:
    names = (name.strip() for value in values or () for name in value.split(","))
    return tuple(name for name in names if name)


def declared(options: Options | Namespace) -> dict[str, object]:
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


def _files(options: Options | Namespace) -> list[Found]:
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
