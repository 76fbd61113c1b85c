"""What is checked beside the files that the command line names: the programs that read them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from lora_lint.cli.options import Options
from lora_lint.engine.config import repository_of
from lora_lint.engine.run import Run
from lora_lint.sources.discover import Found
from lora_lint.sources.programs import is_named

Check = Callable[[Run, list[Found], Options], int]


def checking_programs(run: Run, files: list[Found], options: Options, check: Check) -> int:
    """Lint files, with the programs that read them where files were named; keep the index.

    Args:
        run: takes what they say.
        files: what the command line means.
        options: the command line.
        check: lints files, and gives the exit code.
    """
    run.keeps_links = True
    code = check(run, [*files, *_programs(run, files, options)], options)
    _write_index(run, options)
    return code


def _programs(run: Run, files: list[Found], options: Options) -> list[Found]:
    """The programs whose run includes a file that was named; none for a folder."""
    adopts = options.write_baseline or options.add_ignores or options.since
    if adopts or run.session is not None or not files or not all(file.named for file in files):
        return []
    by_root: dict[str, list[Found]] = {}
    for file in files:
        root = repository_of(file.path)
        if root is not None and run.settings(file.path).follow:
            by_root.setdefault(root, []).append(file)
    if not by_root:
        return []
    from lora_lint.engine.dependents import dependents, message
    from lora_lint.sources.discover import Exclusion

    rules = Exclusion(None)
    found: list[Found] = []
    for root, named in by_root.items():
        beside = dependents(named, root, _folder(), lambda path: rules.holds(path, False))
        found += beside.files
        for line in () if options.quiet else message(beside):
            sys.stderr.write(f"lora-lint: {line}\n")
    return found


def _write_index(run: Run, options: Options) -> None:
    """Keep which files each program depends on, by repository."""
    whole = {os.path.abspath(path) for path in options.paths if os.path.isdir(path)}
    whole = {path for path in whole if repository_of(os.path.join(path, "x")) == path}
    by_root: dict[str, dict[str, frozenset[str]]] = {root: {} for root in whole}
    for path, names in run.links.items():
        for name in filter(is_named, names):
            root = name.rstrip(os.sep)
            by_root.setdefault(root, {})[os.path.abspath(path)] = names
    if not by_root:
        return
    from lora_lint.sources.run_index import RunIndex

    for root, programs in by_root.items():
        RunIndex(root, _folder()).update(programs, is_whole=root in whole)


def _folder() -> str:
    from lora_lint.sources.cache_folder import default_folder

    return default_folder()
