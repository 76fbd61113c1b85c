"""A model's modules with their exact sizes, from its configuration alone.

    >>> modules("llama", {"hidden_size": 4096, "vocab_size": 128256, …}).parameters
    8030261248

The formulas are those of the packaged table (:mod:`lora_rules.facts.model.model_table`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import prod

from lora_rules.engine._startup.record import record
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.budgets import MODULES
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.expressions import NoValueError, Value, evaluate, holds
from lora_rules.facts.model.model_fields import Fields
from lora_rules.facts.model.model_table import Group, Table, Task, load

INDEX = "ijklm"
LARGEST = 1 << 40
"""A size above this is a mistake in the file."""

MODELS = 32
"""Models of which is kept what follows from their modules: many recipes are of the same one."""

Place = tuple[int, ...]


@record(frozen=True)
class Linear:
    """A linear layer at its full path."""

    path: str
    inputs: int
    outputs: int
    bias: bool
    tied: bool = False
    """Its weight is an embedding's."""
    class_name: str = "Linear"
    """``Conv1D`` is transformers' own, with a transposed weight."""
    shared_bias: bool = False
    """Its bias is counted elsewhere."""

    @property
    def name(self) -> str:
        """The last part of the path, for example ``q_proj``."""
        return self.path.rsplit(".", 1)[-1]

    @property
    def parameters(self) -> int:
        """Weight and bias, each only if it is not another module's."""
        weight = 0 if self.tied else self.inputs * self.outputs
        return weight + self.outputs * (self.bias and not self.shared_bias)


@record(frozen=True)
class Embedding:
    """A table of embeddings at its full path."""

    path: str
    rows: int
    width: int
    tied: bool = False

    @property
    def parameters(self) -> int:
        """Its weights, none if it is tied to a module before it."""
        return 0 if self.tied else self.rows * self.width


@record(frozen=True)
class FusedExperts:
    """The weights of all experts of a layer as one parameter, which is no module."""

    path: str
    sizes: tuple[int, ...]

    @property
    def parameters(self) -> int:
        """Their number."""
        return prod(self.sizes)


class Modules:
    """Everything in a model that holds parameters."""

    def __init__(
        self, model_type: str, config: Mapping[str, Any], task: Task, table: Table
    ) -> None:
        """Begin with none."""
        self.model_type = model_type
        self.config = config
        """The fields of its ``config.json``."""
        self.task = task
        self.table = table
        self.linears: list[Linear] = []
        """In no particular order; the output head is among them."""
        self.embeddings: list[Embedding] = []
        self.fused_experts: list[FusedExperts] = []
        self.others = 0
        """Parameters of norms, convolutions, routers and whatever else."""
        self.other_biases = 0
        """How many of those are biases."""

    @cached_property
    def parameters(self) -> int:
        """All parameters, a tied tensor once."""
        return (
            self.others
            + sum(each.parameters for each in self.linears)
            + sum(each.parameters for each in self.embeddings)
            + sum(each.parameters for each in self.fused_experts)
        )

    @property
    def head(self) -> Linear | None:
        """The output head; with ``tied``, its weight is an embedding's."""
        return next((each for each in self.linears if each.path == self.task.head), None)

    @property
    def embedding(self) -> Embedding | None:
        """The token embedding."""
        return next((each for each in self.embeddings if each.path == self.task.embedding), None)

    @property
    def tied(self) -> bool:
        """Whether output head and embedding are one tensor."""
        return self.head is not None and self.head.tied


def modules(model_type: str, config: Mapping[str, Any], task: str | None = None) -> Modules:
    """The modules of a model.

    Args:
        model_type: as in the configuration.
        config: the fields of its ``config.json``; those at their default may be absent.
        task: ``causal``, ``seq2seq``, ``image_text``, ``masked``, ``sequence``, … or ``base``; by
            default the class that the configuration names, else the type's usual one.

    Raises:
        Unknown: if the type is not known, or no such model can be built.
    """
    table = load(model_type)
    if table.unresolved:
        raise Unknown(f"the modules of {model_type!r} are not known: {table.unresolved}")
    chosen = _task(table, config, task)
    result = Modules(model_type, config, chosen, table)
    _Builder(result, Fields(table, config, task=chosen.name), chosen.base, "").build()
    return result


def _task(table: Table, config: Mapping[str, Any], wanted: str | None) -> Task:
    if not table.tasks:
        raise Unknown(f"{table.name!r} is a part of a model, not a model")
    if wanted is not None:
        if wanted not in table.tasks:
            raise Unknown(f"there is no class of {table.name!r} for {wanted!r}")
        return table.tasks[wanted]
    names = config.get("architectures")
    named = names[0] if isinstance(names, list) and names else None
    usual = next(iter(table.tasks.values()))
    return next((task for task in table.tasks.values() if task.class_name == named), usual)


class _Builder:
    """Adds the modules of one model, or of a part of one, to a result."""

    def __init__(self, result: Modules, fields: Fields, base: str, prefix: str) -> None:
        self._result, self._fields, self._base, self._prefix = result, fields, base, prefix
        self._places: list[list[Place]] = []
        self._same: dict[str, int] = {}
        """Values of formulas that speak of no index: most sizes are those of every layer."""

    def build(self) -> None:
        table = self._fields.table
        for _, outer, length, condition in table.lists:
            self._places.append(list(self._list(outer, length, condition)))
        for group in table.groups:
            pattern = table.lists[group.place][0] if group.place >= 0 else ""
            self._group(group, pattern)

    def _list(self, outer: int, length: str, condition: str) -> Iterator[Place]:
        for place in self._places[outer] if outer >= 0 else [()]:
            names = _Placed(self._fields, place, self._same)
            if not condition or holds(condition, names):
                count = _whole(length, names)
                if not 0 <= count <= MODULES:
                    raise Unknown(f"{length} of the model is {count}")
                yield from ((*place, at) for at in range(count))

    def _group(self, group: Group, pattern: str) -> None:
        places = self._places[group.place] if group.place >= 0 else [()]
        if len(self._result.linears) + len(places) * len(group.linears) > MODULES:
            raise Unknown("the model has too many layers to be meant")
        for place in places:
            names = _Placed(self._fields, place, self._same)
            if group.condition and not holds(group.condition, names):
                continue
            at = self._at(pattern, place)
            self._add(group, names, at)
            for path, inside in group.parts:
                self._part(_join(at, path), inside)

    def _add(self, group: Group, names: _Placed, at: str) -> None:
        result = self._result
        for path, inputs, outputs, bias, tied, class_name in group.linears:
            kind = _mark(bias, names)
            result.linears.append(
                Linear(
                    self._path(at, path),
                    _size(inputs, names),
                    _size(outputs, names),
                    kind > 0,
                    _mark(tied, names) == 1,
                    class_name or "Linear",
                    kind > 1,
                )
            )
        for path, rows, width, tied in group.embeddings:
            sizes = _size(rows, names), _size(width, names)
            result.embeddings.append(
                Embedding(self._path(at, path), *sizes, _mark(tied, names) == 1)
            )
        for path, *texts in group.fused:
            shape = tuple(_size(text, names) for text in texts)
            result.fused_experts.append(FusedExperts(self._path(at, path), shape))
        result.others += _count(group.others, names)
        result.other_biases += _count(group.other_biases, names)

    def _part(self, path: str, inside: str) -> None:
        fields: Fields | None = self._fields
        for name in inside.split("."):
            fields = fields.inner(name) if fields is not None else None
        if fields is None:
            raise Unknown(f"the model has no {inside}")
        if fields.table.unresolved or "base" not in fields.table.tasks:
            raise Unknown(f"the modules of {fields.table.name!r} are not known")
        fields.set_task("base")
        _Builder(self._result, fields, "", self._path("", path)).build()

    def _at(self, pattern: str, place: Place) -> str:
        for name, index in zip(INDEX, place, strict=False):
            pattern = pattern.replace(f"{{{name}}}", str(index))
        return pattern

    def _path(self, *parts: str) -> str:
        path = _join(*parts)
        if path.startswith("~"):
            path = _join(self._base, path[1:].lstrip("."))
        return _join(self._prefix, path)


class _Placed:
    """Fields, and the indices of a place."""

    def __init__(self, fields: Fields, place: Place, same: dict[str, int]) -> None:
        self._fields, self._place = fields, place
        self._same = same
        self._asked_for_index = False

    def __call__(self, name: str) -> Value:
        if len(name) == 1 and name in INDEX:
            self._asked_for_index = True
            return self._place[INDEX.index(name)]
        return self._fields(name)

    def whole(self, text: str, compute: Callable[[str, _Placed], int]) -> int:
        """What a formula gives here, computed once where it speaks of no index."""
        if text in self._same:
            return self._same[text]
        self._asked_for_index = False
        value = compute(text, self)
        if not self._asked_for_index:
            self._same[text] = value
        return value


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _mark(text: str, names: _Placed) -> int:
    """A small number, or a question: one if it holds."""
    return names.whole(text, _answer) if text.startswith("?") else _whole(text, names)


def _answer(text: str, names: _Placed) -> int:
    return int(holds(text[1:], names))


def _whole(text: str, names: _Placed) -> int:
    return int(text) if text.isdigit() else names.whole(text, _computed)


def _computed(text: str, names: _Placed) -> int:
    try:
        value = evaluate(text, names)
    except NoValueError as problem:
        raise Unknown(f"the configuration does not describe a model: {problem}") from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unknown(f"the configuration does not describe a model: {text} is {value!r}")
    return value


def _size(text: str, names: _Placed) -> int:
    value = _whole(text, names)
    if not 0 < value <= LARGEST:
        raise Unknown(f"the configuration does not describe a model: {text} is {value}")
    return value


def _count(text: str, names: _Placed) -> int:
    return _whole(text, names) if text else 0
