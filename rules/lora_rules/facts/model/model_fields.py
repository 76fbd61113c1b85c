"""The fields of a model's configuration, filled in as transformers fills them in.

A checkpoint's ``config.json`` leaves out what is the default of its type, and may use an alias
(``hidden_size`` for GPT-2's ``n_embd``). :class:`Fields` answers for both from the packaged table.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import Any
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.expressions import NoValueError, Value, evaluate
from lora_rules.facts.model.model_table import Table, load

PRESENT = "present"
"""What a condition sees of a field that holds a configuration."""
SWITCH = "?"
"""Ends the name of a field that only counts where it is on."""
AUTO = "auto"
"""Stands in a file for a number that follows from others."""
DEEPEST_LIST = 4096
"""More layers than this is a mistake in the file."""


class Fields:
    """The values of one configuration."""

    def __init__(self, table: Table, config: Mapping[str, Any], task: str = "") -> None:
        self._table = table
        self._config = config
        self._known: dict[str, Any] = {"task": task}
        self._inner: dict[str, Fields | None] = {}
        self._overruled: Mapping[str, str | None] = {}
        self._outer: Fields = self
        for entry in table.unread:
            name = entry.removesuffix(SWITCH)
            value = config.get(name)
            if value if name != entry else value is not None:
                raise Unknown(f"{name} in a configuration of type {table.name} is not understood")

    @property
    def table(self) -> Table:
        """The table entry of its type."""
        return self._table

    def __call__(self, name: str) -> Value:
        """The value of a field, ``vision_config.depth`` for one inside.

        Raises:
            Unknown: if neither the configuration nor the table says it.
        """
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def set_task(self, task: str) -> None:
        """Which class of the type is meant."""
        self._known["task"] = task

    def inner(self, name: str) -> Fields | None:
        """The configuration inside a field; ``None`` if the model has none there."""
        if name not in self._inner:
            self._inner[name] = self._open(name)
        return self._inner[name]

    def _find(self, name: str) -> Value:
        if name in self._overruled:
            return self._compute(name, self._overruled[name])
        outer, _, rest = name.partition(".")
        if outer in self._table.inner:
            inside = self.inner(outer)
            if inside is None:
                return None
            value = inside(rest) if rest else PRESENT
            self._check_words(name, value)
            return value
        value = self._given(name)
        if value in (None, AUTO) and name in self._table.derived:
            value = self._derive(name)
        if not value and name in self._table.raised:
            value = bool(self(self._table.raised[name])) or value
        self._check_words(name, value)
        return value

    def _check_words(self, name: str, value: Value) -> None:
        """A word that was not seen when the table was made may mean another model."""
        known = self._table.words.get(name)
        if known is None:
            return
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str) and word not in known:
                raise Unknown(f"{name} of the model is {word!r}, which is not known")

    def _given(self, name: str) -> Value:
        if name == "num_labels" and isinstance(self._config.get("id2label"), Mapping):
            return len(self._config["id2label"])
        if name not in self._table.forced:
            for own in (name, *self._table.aliases_of(name)):
                if own in self._config:
                    return self._checked(name, self._config[own])
        if name in self._table.defaults:
            return self._table.defaults[name]
        raise Unknown(f"{name} of a model of type {self._table.name} is not given")

    def _checked(self, name: str, value: Value) -> Value:
        """A given value, if it may stand for the default."""
        number = type(self._table.defaults.get(name)) is int or isinstance(
            self._table.derived.get(name), str
        )
        if number and value not in (None, AUTO) and type(value) in (bool, str, float):
            raise Unknown(f"{name} of the model is {value!r} and no whole number")
        return value

    def _compute(self, name: str, formula: str | None) -> Value:
        """A field that the configuration around this one sets."""
        if formula is None:
            raise Unknown(f"{name} of a model of type {self._table.name} does not follow")
        try:
            return evaluate(formula, self._outer)
        except NoValueError as problem:
            raise Unknown(f"{name} of the model does not follow: {problem}") from None

    def _derive(self, name: str) -> Value:
        rule = self._table.derived[name]
        if rule is None:
            raise Unknown(f"{name} of a model of type {self._table.name} is not given")
        try:
            if isinstance(rule, str):
                return evaluate(rule, self)
            length = evaluate(rule[1], self)
            if not isinstance(length, int) or not 0 <= length <= DEEPEST_LIST:
                raise Unknown(f"{rule[1]} of the model is {length!r}")
            if isinstance(rule[0], str):
                return [evaluate(rule[0], _Indexed(self, at)) for at in range(length)]
        except NoValueError as problem:
            raise Unknown(f"{name} of the model does not follow: {problem}") from None
        if length > len(rule[0]):
            raise Unknown(f"{name} of so deep a model is not given")
        return list(rule[0][:length])

    def _open(self, name: str) -> Fields | None:
        inner = self._table.inner[name]
        config = self._config.get(name)
        if config is None:
            nothing = inner.absent is None or (inner.nullable and name in self._config)
            if nothing or inner.model_type is None:
                return None
            own_table = load(inner.model_type)
            given = self._flat(own_table) if name in self._table.flat else {}
            fields = Fields(own_table, {**inner.defaults, **(inner.absent or {}), **given})
        elif isinstance(config, Mapping):
            wanted = config.get("model_type") if inner.is_open else None
            own = str(wanted or inner.model_type)
            defaults = inner.defaults if own == inner.model_type else {}
            fields = Fields(load(own), {**defaults, **config})
        else:
            raise Unknown(f"{name} of the model is not a configuration")
        fields._outer, fields._overruled = self, inner.overruled
        return fields

    def _flat(self, inner: Table) -> dict[str, Any]:
        """What old files of this type say outside of the configuration that it belongs to."""
        known = {*inner.defaults, *inner.aliases} - self._table.defaults.keys()
        return {key: value for key, value in self._config.items() if key in known}


class _Indexed:
    """Fields, and ``i``."""

    def __init__(self, fields: Fields, index: int) -> None:
        self._fields, self._index = fields, index

    def __call__(self, name: str) -> Value:
        return self._index if name == "i" else self._fields(name)
