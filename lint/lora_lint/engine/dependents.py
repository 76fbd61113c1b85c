"""The programs whose run includes a file that was named: what a hook has to check beside it.

They come from the index of the repository, which every run writes that lints a program. Where the
index does not know all programs, the Python files of a small repository are searched for those that
the named ones lead to, or that lead to them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from lora_lint.sources.discover import Found, below
from lora_lint.sources.run_index import RunIndex
from lora_lint.sources.source import KINDS, concerns_lora
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import (
    DEPENDENT_BYTES,
    DEPENDENTS,
    MODULE_BYTES,
    SCRIPTS,
    SEARCHED,
)


class Dependents(NamedTuple):
    """The programs of one repository that depend on named files."""

    files: tuple[Found, ...] = ()
    """Those to check."""
    left_out: tuple[str, ...] = ()
    """Those beyond what a hook may take."""
    unsearched: tuple[str, ...] = ()
    """Named files whose programs are not known: the repository is too large to be searched."""


def dependents(
    files: Sequence[Found], root: str, index_folder: str, is_excluded: Callable[[str], bool]
) -> Dependents:
    """The programs to check beside named files.

    Args:
        files: that were named, in one repository.
        root: the repository's folder, absolute.
        index_folder: where the index is kept.
        is_excluded: whether the settings leave a file out.
    """
    named = {os.path.abspath(file.path): file.path for file in files}
    index = RunIndex(root, index_folder)
    programs = dict.fromkeys(each for path in named for each in index.depending_on(path))
    new = [path for path in named if not index.knows(path)]
    started = _leading_to(new, index)
    programs |= dict.fromkeys(index.programs_among(started))
    unsearched: list[str] = []
    if not index.is_whole:
        scripts = started if any(_kind(path) != "python" for path in new) else []
        plain = [path for path in (*named, *scripts) if _is_plain_python(path)]
        found = _searched(plain, root) if plain else []
        unsearched = [named[path] for path in plain if path in named] if found is None else []
        programs |= dict.fromkeys(found or ())
    is_absolute = any(os.path.isabs(file.path) for file in files)
    shown = [
        path if is_absolute else os.path.relpath(path)
        for path in programs
        if path not in named and os.path.isfile(path)
    ]
    wanted = [path for path in shown if not is_excluded(path)]
    taken = _as_many_as_may_be(wanted)
    beside = frozenset(named.values())
    return Dependents(
        tuple(Found(path, named=False, beside=beside) for path in taken),
        tuple(path for path in wanted if path not in taken),
        tuple(unsearched),
    )


def _leading_to(new: Iterable[str], index: RunIndex) -> list[str]:
    """The files that new ones import, or start by a command.

    Most changed files have to do with no program: they name no file that the index knows.
    """
    stems = [stem.encode() for stem in index.stems()]
    datas = {path: _data(path) for path in new}
    modules = {
        path
        for path, data in datas.items()
        if _kind(path) == "python" and any(stem in data for stem in stems)
    }
    scripts = {
        path
        for path, data in datas.items()
        if _kind(path) == "shell" and (b".py" in data or b" -m " in data)
    }
    if not modules and not scripts:
        return []
    from lora_lint.read.modules import Modules  # imports ast

    every = Modules(index.root)
    found = [each for path in sorted(modules) for each in every.imports(path)]
    if scripts:
        from lora_lint.read.starting import programs_of

        found += [each for path in sorted(scripts)[:SCRIPTS] for each in programs_of(path, every)]
    return found


def _as_many_as_may_be(paths: Iterable[str]) -> list[str]:
    taken: list[str] = []
    size = 0
    for path in paths:
        size += os.path.getsize(path)
        if len(taken) < DEPENDENTS and (not taken or size <= DEPENDENT_BYTES):
            taken.append(path)
    return taken


def _is_plain_python(path: str) -> bool:
    """Whether a file is a module that says nothing of LoRA itself, other than in comments to us."""
    if _kind(path) != "python":
        return False
    return not concerns_lora("python", _data(path).replace(b"lora-lint", b""))


def _searched(named: Iterable[str], root: str) -> list[str] | None:
    """The programs that lead to a module or that it leads to; ``None`` if there is too much."""
    every = [path for path in below(root) if _kind(path) == "python"]
    if len(every) > SEARCHED:
        return None
    programs = [path for path in every if concerns_lora("python", _data(path))]
    if not programs:
        return []
    from lora_lint.read.modules import Modules  # imports ast

    modules = Modules(root)
    above = _closure(named, modules.importers)
    near = _closure(above, modules.imports)
    return [path for path in programs if path in above] + [
        path for path in programs if path in near and path not in above
    ]


def _closure(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> set[str]:
    found = set(start)
    pending = list(found)
    for path in pending:  # which grows
        for each in following(path):
            if each not in found:
                found.add(each)
                pending.append(each)
    return found


def _kind(path: str) -> str | None:
    return KINDS.get(os.path.splitext(path)[1].lower())


def _data(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(MODULE_BYTES)
    except OSError:
        return b""


def message(found: Dependents) -> Iterator[str]:
    """What was not checked, in words."""
    if found.left_out:
        first = ", ".join(found.left_out[:3])
        more = f" and {len(found.left_out) - 3} more" if len(found.left_out) > 3 else ""
        yield f"programs that read these files were not checked: {first}{more}"
    if found.unsearched:
        first = ", ".join(found.unsearched[:3])
        more = f" and {len(found.unsearched) - 3} more" if len(found.unsearched) > 3 else ""
        yield (
            f"programs that import {first}{more} were not checked: the repository has more than "
            f"{SEARCHED} Python files and no index yet, which `lora-lint .` writes"
        )
