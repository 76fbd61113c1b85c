"""The packaged table ``architectures.json``, one line a model type, read a line at a time.

``tools/build_architectures.py`` writes it from transformers' own classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.record import record
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.value import Unknown

_FILE = "facts/model/architectures.json"


@record(frozen=True)
class Task:
    """One class of a type."""

    name: str
    class_name: str
    base: str
    """What the class calls its base model; empty if the model is not inside another."""
    head: str | None
    """The path of the output head, which ``all-linear`` leaves out."""
    embedding: str | None
    """The path of the token embedding."""


@record(frozen=True)
class Group:
    """Modules that are always there together."""

    place: int
    """The list of layers that they stand in: an index of ``Table.lists``, or -1."""
    condition: str
    linears: Sequence[Sequence[str]]
    """Path, inputs, outputs, bias, tied, class."""
    embeddings: Sequence[Sequence[str]]
    """Path, rows, width, tied."""
    fused: Sequence[Sequence[str]]
    """Path and three sizes, of experts that are one tensor."""
    parts: Sequence[Sequence[str]]
    """Path, and the field with the configuration of the model there."""
    others: str
    """How many parameters its other modules have."""
    other_biases: str
    """How many of those are biases."""


@record(frozen=True)
class Inner:
    """A field with a configuration inside."""

    model_type: str | None
    """What stands there if the file does not say it; ``None`` if nothing does."""
    is_open: bool
    """The file may say another type."""
    absent: Mapping[str, Any] | None
    """What differs from its type's defaults when it is left out; ``None``: nothing is there."""
    nullable: bool
    """``null`` means that there is none, and not the default."""
    overruled: Mapping[str, str | None]
    """Fields inside that the outer configuration sets, as formulas of its own fields."""
    defaults: Mapping[str, Any]
    """Fields inside for which the outer configuration has another default than their own type."""


@record(frozen=True)
class Table:
    """What is known about one model type."""

    name: str
    defaults: Mapping[str, Any]
    derived: Mapping[str, Any]
    """How a field that is absent follows from others; ``None`` where that is not known."""
    forced: Sequence[str]
    """Fields that the class computes whatever the file says."""
    aliases: Mapping[str, str]
    unread: Sequence[str]
    """Fields that decide sizes in ways not written down here; with ``?`` only where they are on."""
    raised: Mapping[str, str]
    """Flags that another flag, of a configuration inside, sets as well."""
    words: Mapping[str, Sequence[str]]
    """For a text field that decides which modules there are, the values that are known."""
    inner: Mapping[str, Inner]
    """Fields with a configuration inside."""
    flat: Sequence[str]
    """Those of them whose fields old files have at the top."""
    tasks: Mapping[str, Task]
    lists: Sequence[tuple[str, int, str, str]]
    """Pattern, the list around it, length, condition."""
    groups: Sequence[Group]
    peft_targets: Sequence[str] | str
    """``target_modules`` that PEFT fills in for ``None``; empty when it refuses."""
    fused_targets: Mapping[str, str]
    """Old names of expert layers that PEFT turns into names of fused parameters."""
    renamed: Sequence[tuple[str, str]]
    """Names before transformers 5 and since, as patterns."""
    gradient_checkpointing: bool
    unresolved: str
    """Why the modules of this type are not known; empty when they are."""

    def aliases_of(self, name: str) -> Sequence[str]:
        """Other names that a configuration may use for a field."""
        return [alias for alias, real in self.aliases.items() if real == name]


@cache
def load(model_type: str) -> Table:
    """The entry of a model type.

    Raises:
        Unknown: if there is none.
    """
    found = packaged.entry(_FILE, model_type)
    if found is None or not model_type.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Unknown(f"models of type {model_type!r} are not in the table of architectures")
    return _read(model_type, found)


@cache
def model_types() -> frozenset[str]:
    """Every model type whose modules are known."""
    return frozenset(
        name for name in packaged.names(_FILE) if load(name).tasks and not load(name).unresolved
    )


def _read(name: str, entry: Mapping[str, Any]) -> Table:
    inner = {field: Inner(*row) for field, row in entry.get("inner", {}).items()}
    tasks = {task: Task(*row) for task, row in entry.get("tasks", {}).items()}
    return Table(
        name=name,
        defaults=entry.get("defaults", {}),
        derived=entry.get("derived", {}),
        forced=entry.get("forced", ()),
        aliases=entry.get("aliases", {}),
        unread=entry.get("unread", ()),
        raised=entry.get("raised", {}),
        words=entry.get("words", {}),
        inner=inner,
        flat=entry.get("flat", ()),
        tasks=tasks,
        lists=[tuple(row) for row in entry.get("lists", ())],
        groups=[_group(row) for row in entry.get("groups", ())],
        peft_targets=entry.get("targets", ()),
        fused_targets=entry.get("fused_targets", {}),
        renamed=[tuple(row) for row in entry.get("renamed", ())],
        gradient_checkpointing=entry.get("checkpointing", False),
        unresolved=entry.get("unresolved", ""),
    )


def _group(row: Mapping[str, Any]) -> Group:
    return Group(
        place=row.get("in", -1),
        condition=row.get("if", ""),
        linears=[(*each, *("0", "0", "")[len(each) - 3 :]) for each in row.get("linear", ())],
        embeddings=[(*each, *("0",)[len(each) - 3 :]) for each in row.get("embedding", ())],
        fused=row.get("fused", ()),
        parts=row.get("part", ()),
        others=row.get("others", ""),
        other_biases=row.get("biases", ""),
    )
