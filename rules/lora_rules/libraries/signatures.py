"""What the classes and functions of a recipe accept, version by version.

Each library's table is ``libraries/<name>/signatures.json``, read from the wheels on PyPI by
``tools/build_signatures.py``; only that of the library in question is loaded. The options of
programs (``swift.sft``) and what a configuration file can name (torchtune's components) are no
settings of ours: their table is called ``arguments.json``. It samples the versions. A version
between two samples gets the fields of *both*, so that a field is called unknown only when neither
neighbour has it; a version newer than the newest sample gets the newest one's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.version_range import VersionRange, compare, exactly

_FOLDER = os.path.dirname(__file__)
Table = Mapping[str, Any]
Version = VersionRange | str | None
"""Of the functions here: one version or a range of them; ``None`` is the newest known."""


@cache
def _entry(qualified: str) -> Table:
    found = _find(qualified)
    if found is None:
        raise KeyError(qualified)
    return found


@cache
def _find(qualified: str) -> Table | None:
    table = _table_of(qualified.partition(".")[0])
    return packaged.entry(table, qualified) if table else None


@cache
def _table_of(library: str) -> str:
    """The table that has a library's callees; empty if there is none."""
    if not library.isidentifier():
        return ""
    paths = (_table(library), f"libraries/{library}/arguments.json")
    return next(filter(packaged.is_there, paths), "")


@cache
def _has_table(library: str) -> bool:
    return os.path.exists(os.path.join(_FOLDER, library, "signatures.json"))


def _table(library: str) -> str:
    return f"libraries/{library}/signatures.json"


@cache
def libraries() -> frozenset[str]:
    """The libraries that have a table."""
    return frozenset(filter(_has_table, os.listdir(_FOLDER)))


def is_known(qualified: str) -> bool:
    """Whether a table has a callee of that name, for example ``peft.LoraConfig``."""
    return _find(qualified) is not None


@cache
def callees() -> frozenset[str]:
    """Every qualified name that a table has."""
    return frozenset(name for each in libraries() for name in packaged.names(_table(each)))


def versions(qualified: str) -> tuple[str, ...]:
    """The versions of its package at which a callee was read, oldest first.

    Raises:
        KeyError: if the callee is not in the table.
    """
    return tuple(_entry(qualified)["versions"])


def is_open(qualified: str) -> bool:
    """Whether it also takes ``**kwargs``, so that an unknown keyword cannot be judged."""
    return bool(_entry(qualified)["open"])


def parent(qualified: str) -> str | None:
    """The callee of another package whose fields it inherits, as TRL's do from transformers'."""
    name: str | None = _entry(qualified)["parent"]
    return name


@cache
def fields(
    qualified: str, version: Version = None, parent_version: Version = None
) -> frozenset[str]:
    """The names of everything it accepts, inherited fields included.

    Args:
        qualified: for example ``peft.LoraConfig``.
        version: of its package; ``None`` is the newest known; of a range, all that it allows count.
        parent_version: of the package it inherits from. When only ``version`` is given, a parent's
            field counts if any sampled version has it: which one goes with it is not known.

    Raises:
        KeyError: if the callee is not in the table, or the version is older than the oldest read.
    """
    entry = _entry(qualified)
    near = _neighbours(qualified, version)
    own = {
        name for name, (there, _) in entry["fields"].items() if any(has(there, at) for at in near)
    }
    above = entry["parent"]
    if above is None:
        return frozenset(own)
    if version is not None and parent_version is None:
        return frozenset(own) | frozenset(_entry(above)["fields"])
    return frozenset(own) | fields(above, parent_version)


def positional(qualified: str) -> tuple[str, ...]:
    """The names of its first positional arguments, as far as every version read has the same.

    Of a class that inherits from another library's those of the parent, which come first. Empty if
    no table has it.
    """
    entry = _find(qualified)
    if entry is None:
        return ()
    return positional(entry["parent"]) if entry["parent"] else tuple(entry["positional"])


def every_field(qualified: str) -> frozenset[str]:
    """The names of everything that any version read accepts, inherited fields included.

    Raises:
        KeyError: if the callee is not in the table.
    """
    entry = _entry(qualified)
    inherited = every_field(entry["parent"]) if entry["parent"] is not None else frozenset()
    return frozenset(entry["fields"]) | inherited


@cache
def defaults(
    qualified: str, version: Version = None, parent_version: Version = None
) -> Mapping[str, object]:
    """The literal defaults by field; a field without one is not in it.

    Where the samples around ``version``, or in its range, disagree, the field is left out. The
    parent's are its newest known, unless ``parent_version`` says otherwise. A ``None`` that the
    constructor replaces at once is given as what replaces it (``bnb_4bit_compute_dtype``:
    ``"float32"``).

    Raises:
        KeyError: if the callee is not in the table, or the version is older than the oldest read.
    """
    entry = _entry(qualified)
    known: dict[str, object] = {}
    if entry["parent"] is not None:
        known.update(defaults(entry["parent"], parent_version))
    near = _neighbours(qualified, version)
    for name, (there, changes) in entry["fields"].items():
        found = [_default(changes, at) for at in near if has(there, at)]
        if not found:
            continue
        known.pop(name, None)
        if len(found[0]) == 1 and all(other == found[0] for other in found):
            known[name] = found[0][0]
    return MappingProxyType(known)


def introduced(qualified: str, field: str) -> str | None:
    """The first version read that has the field; ``None`` if the oldest one has it, or none has.

    A field of the parent is dated in the parent's versions.
    """
    marks = _presence(qualified, field)
    if not marks or marks[0] == 0:
        return _of_parent(introduced, qualified, field, marks)
    return versions(qualified)[marks[0]]


def owner(qualified: str, field: str) -> str:
    """The callee whose own field it is: the parent's name for an inherited one.

    Raises:
        KeyError: if the callee is not in the table.
    """
    above = parent(qualified)
    if above is None or field in _entry(qualified)["fields"]:
        return qualified
    return owner(above, field)


def removed(qualified: str, field: str) -> str | None:
    """The first version read that has the field no longer; ``None`` if the newest one has it."""
    marks = _presence(qualified, field)
    if not marks or len(marks) % 2:
        return _of_parent(removed, qualified, field, marks)
    return versions(qualified)[marks[-1]]


def choices(qualified: str, field: str, version: Version = None) -> tuple[str, ...]:
    """The strings that the source lists for a field in that version; empty if it lists none.

    ``pissa_niter_[number of iters]`` stands, as in PEFT's own annotation, for a family of strings.
    Only ``task_type`` is checked by PEFT for exact membership when the object is made; transformers
    checks every enumeration of its TrainingArguments.
    """
    table: Mapping[str, list[int]] = _entry(qualified)["choices"].get(field, {})
    near = _neighbours(qualified, version)
    return tuple(value for value, marks in table.items() if any(has(marks, at) for at in near))


def ever_choices(qualified: str, field: str) -> frozenset[str]:
    """The strings that some version read lists for a field."""
    return frozenset(_entry(qualified)["choices"].get(field, {}))


def _of_parent(
    ask: Callable[[str, str], str | None],
    qualified: str,
    field: str,
    own_marks: tuple[int, ...],
) -> str | None:
    above = parent(qualified)
    if own_marks or above is None:
        return None
    return ask(above, field)


def _presence(qualified: str, field: str) -> tuple[int, ...]:
    there, _ = _entry(qualified)["fields"].get(field, ((), ()))
    return tuple(there)


def has(marks: list[int], at: int) -> bool:
    """Whether something is there at an index.

    Presence is the list of indices at which it begins, ends, begins again and so on.
    """
    return sum(mark <= at for mark in marks) % 2 == 1


def _default(changes: list[list[object]], at: int) -> tuple[object, ...]:
    """The default in force at an index, in a tuple: an empty one when it is not a literal."""
    in_force: list[object] = [0]
    for change in changes:
        if isinstance(change[0], int) and change[0] <= at:
            in_force = change
    return tuple(in_force[1:])


@cache
def _neighbours(qualified: str, version: Version) -> tuple[int, ...]:
    """The index of the sample of that version, or of the two around it; of a range, of all.

    An end that is a sample and is not allowed itself (``<5``) is left out.
    """
    known = versions(qualified)
    found = indices(known, version)
    if not found:
        raise KeyError(f"{qualified} was not read before {known[0]}")
    return found


def indices(known: tuple[str, ...], version: Version) -> tuple[int, ...]:
    """Which of the versions read are that version, the two around it, or in its range.

    Empty if the version is older than all of them. Without one it is the newest, and a development
    version counts beside the last release.
    """
    if version is None:
        last = len(known) - 1
        return (last - 1, last) if last and ".dev" in known[last] else (last,)
    wanted = exactly(version) if isinstance(version, str) else version
    return tuple(
        sorted(
            {
                at
                for conditions in wanted.alternatives
                for at in _around(known, VersionRange((conditions,)))
            }
        )
    )


def _around(known: tuple[str, ...], wanted: VersionRange) -> Iterator[int]:
    last = len(known) - 1
    if wanted.certainly_below(known[0]):
        return
    first = max((at for at in range(last + 1) if wanted.certainly_at_least(known[at])), default=0)
    final = min((at for at in range(last + 1) if wanted.certainly_at_most(known[at])), default=last)
    if wanted.high is not None and not compare(wanted.high, known[final]):
        final -= wanted.certainly_below(known[final])
    for at in range(first, final + 1):
        if at in (first, final) or wanted.contains(known[at]):
            yield at


def newest(qualified: str, version: VersionRange) -> str | None:
    """The newest version read that a range allows; ``None`` if none was read."""
    return next((each for each in reversed(versions(qualified)) if version.contains(each)), None)


def is_above_table(qualified: str, version: VersionRange) -> bool:
    """Whether every allowed version is newer than the newest one read."""
    last = versions(qualified)[-1]
    return version.certainly_at_least(last) and not version.contains(last)
