"""What the modules of a model type are called, where only its type is known and no size.

From the table of architectures, with every condition of it taken as true: the names of dense layers
stand beside those of experts, so that a name that is missing here is missing in every model of the
type. Every index is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from lora_rules.engine._startup.record import record
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.model_table import Group, Table, Task, load
from lora_rules.facts.model.modules import INDEX
from lora_rules.facts.model.other_modules import Others, names_of, others_of

DEEPEST = 4
"""Models inside one another: no type has more."""


@record(frozen=True)
class TypeNames:
    """The names of a type's modules."""

    linears: Mapping[str, str]
    """Paths of linear layers, and their classes."""
    embeddings: frozenset[str]
    fused: frozenset[str]
    """Paths of parameters that hold all experts of a layer."""
    others: Others
    task: Task | None = None
    """The usual class of the type; ``None`` for a type that the table of architectures lacks."""
    table: Table | None = None
    peft_targets: Sequence[str] | str = ()
    """``target_modules`` that PEFT fills in for ``None``; empty when it refuses."""


@cache
def type_names(model_type: str, text_type: str = "") -> TypeNames:
    """The names in a model of a type.

    Args:
        model_type: as in the model's configuration.
        text_type: the type of the language model inside, for a type that takes several.

    Raises:
        Unknown: if they are not known.
    """
    listed = names_of(model_type)
    if listed is not None:
        linears = dict.fromkeys(listed.linears, "Linear")
        nothing: frozenset[str] = frozenset()
        return TypeNames(linears, nothing, nothing, listed.others, peft_targets=listed.targets)
    table = load(model_type)
    if table.unresolved or not table.tasks:
        raise Unknown(f"the modules of {model_type!r} are not known: {table.unresolved}")
    task = next(iter(table.tasks.values()))
    collector = _Collector(text_type)
    collector.add(table, task.base, "", DEEPEST)
    paths = [*collector.linears, *collector.embeddings, *collector.fused]
    others = others_of([model_type, text_type], paths, collector.fused, task.base)
    return TypeNames(
        collector.linears,
        frozenset(collector.embeddings),
        frozenset(collector.fused),
        others,
        task,
        table,
        table.peft_targets,
    )


class _Collector:
    """Walks through a table's groups and those of the models inside."""

    def __init__(self, text_type: str) -> None:
        self._text_type = text_type
        self.linears: dict[str, str] = {}
        self.embeddings: set[str] = set()
        self.fused: set[str] = set()

    def add(self, table: Table, base: str, prefix: str, depth: int) -> None:
        if not depth:
            raise Unknown(f"{table.name!r} has too many models inside one another")
        for group in table.groups:
            at = table.lists[group.place][0] if group.place >= 0 else ""
            for letter in INDEX:
                at = at.replace(f"{{{letter}}}", "0")
            self._group(group, base, prefix, at)
            for path, field in group.parts:
                inside = self._inside(table, field)
                self.add(inside, "", _path(base, prefix, at, path), depth - 1)

    def _group(self, group: Group, base: str, prefix: str, at: str) -> None:
        for path, *_, class_name in group.linears:
            self.linears[_path(base, prefix, at, path)] = class_name or "Linear"
        self.embeddings |= {_path(base, prefix, at, path) for path, *_ in group.embeddings}
        self.fused |= {_path(base, prefix, at, path) for path, *_ in group.fused}

    def _inside(self, table: Table, field: str) -> Table:
        for name in field.split("."):
            inner = table.inner[name]
            model_type = inner.model_type
            if name == "text_config" and inner.is_open:
                model_type = self._text_type
                if not model_type:
                    raise Unknown(f"which language model is in a {table.name!r} is not known")
            if model_type is None:
                raise Unknown(f"which model is in the {name} of a {table.name!r} is not known")
            table = load(model_type)
        if table.unresolved:
            raise Unknown(f"the modules of {table.name!r} are not known")
        return table


def _path(base: str, prefix: str, *parts: str) -> str:
    path = ".".join(part for part in parts if part)
    if path.startswith("~"):
        path = ".".join(part for part in (base, path[1:].lstrip(".")) if part)
    return ".".join(part for part in (prefix, path) if part)
