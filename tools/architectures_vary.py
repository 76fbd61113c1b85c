"""Other values for a model type's fields: found by trying, then combined at random."""

from __future__ import annotations

import random
import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from transformers import CONFIG_MAPPING, PreTrainedConfig

from architectures_configs import (
    IGNORED,
    LAYERS,
    MANY,
    PRESENT,
    BuildError,
    Flat,
    Kind,
    auto_subconfigs,
    build,
    configure,
    flatten,
    legacy,
    old_names,
    subconfigs,
    unread,
)
from architectures_observe import Observation, base_of
from architectures_trace import Trace, Value

NEVER = {
    "hybrid_layer_ids",
    "decoder",
    "generator",
    "text_config",
    "auto_map",
    "to_dict",
    "gradient_checkpointing",
    "pruned_heads",
    "hf_device_map",
}
COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers",
          "decoder_layers", "depth", "num_decoder_layers")  # fmt: skip
ALWAYS = ("tie_word_embeddings", "num_labels")
PATTERN = re.compile(r"step|freq|interval|period|offset|pattern|every|expand|dense|sparse|first")
"""Fields that a configuration's class may read and its model not."""
UNDECLARED = "?"
FLAG = re.compile(r"tie_|use_|is_|has_|add_|do_|with_")
DEEPEST = 13


@dataclass(frozen=True)
class PerLayer:
    """A list with one of these values for each layer."""

    values: tuple[Any, ...]
    length: str

    def draw(self, flat: Flat, chance: random.Random) -> list[Any]:
        """One such list, as long as the model is deep."""
        return [chance.choice(self.values) for _ in range(flat[self.length])]


def shrink(kind: Kind) -> None:
    """Makes the default small enough to build a hundred times.

    Raises:
        BuildError: if not even the default can be built.
    """
    kind.base = auto_subconfigs(kind.name)
    full = flatten(configure(kind.name, kind.base))
    depth = max([LAYERS, *(_needed(value) for value in full.values())])
    small: Flat = {}
    for name, value in full.items():
        if MANY.search(name.rsplit(".", 1)[-1]) and type(value) is int:
            few = depth if "layer" in name or "depth" in name else LAYERS
            if value > few:
                small[name] = few
        length = _length_field(name, value, full)
        if length is not None and _class_default(kind, name) is not None:
            small[name] = value[:depth]
    kind.base = _accepted(kind, small)
    kind.has_base = base_of(build(kind, kind.task, {})[0]) is not None


def _needed(value: Value) -> int:
    """How many layers show every kind of layer that a list has."""
    if not _is_list(value, str):
        return 0
    kinds = set(value)
    need = next(n for n in range(1, len(value) + 1) if set(value[:n]) == kinds)
    return need if need <= DEEPEST else 0


def _accepted(kind: Kind, small: Flat) -> Flat:
    """As much of the overrides as the classes take."""
    plain = dict(kind.base)
    attempts = [small, {k: v for k, v in small.items() if "expert" not in k}]
    attempts.append({k: v for k, v in attempts[1].items() if not isinstance(v, list)})
    for attempt in [*attempts, {}]:
        try:
            for task in kind.classes:
                build(kind, task, attempt)
        except BuildError as problem:
            error = problem
            continue
        return plain | attempt
    raise error


def _class_default(kind: Kind, path: str) -> Value:
    return getattr(CONFIG_MAPPING[kind.name], path, None) if "." not in path else ()


def _is_list(value: Value, of: type) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(type(item) is of for item in value)


def _length_field(name: str, value: Value, flat: Flat) -> str | None:
    """The field that says how long a per-layer list is."""
    if not (_is_list(value, str) or _is_list(value, int) or _is_list(value, bool)):
        return None
    prefix = name.rpartition(".")[0]
    for count in COUNTS:
        path = f"{prefix}.{count}" if prefix else count
        if flat.get(path) == len(value) and type(flat[path]) is int:
            return path
    return None


def probe(kind: Kind) -> tuple[list[Observation], set[str]]:
    """Tries other values for every field; keeps those that build something else.

    Returns:
        The different models that were built, and what their code asked.
    """
    built: list[Observation] = []
    asked: set[str] = set()
    known: set[str] = set()
    cls = CONFIG_MAPPING[kind.name]
    old = set(legacy(cls)) - set(old_names(cls)) - set(unread(cls))
    for task in kind.classes:
        _, config, seen, trace = build(kind, task, {})
        seen.fields.update(dict.fromkeys(_undeclared(config, trace)))
        own = _signature(seen)
        built.append(seen)
        asked |= trace.atoms
        own_fields = _own_fields(seen, trace.atoms)
        parts = tuple({f"{s.detail}." for s, _ in seen.slots if s.kind == "part"})
        for name in seen.fields:
            last = name.rsplit(".", 1)[-1]
            read = last in trace.reads or last in ALWAYS or PATTERN.search(last) or name in old
            skipped = name in known or last in NEVER or name in old_names(cls)
            if not read or skipped:
                continue
            if name.startswith(parts) and name not in own_fields and last not in ALWAYS:
                continue
            found = []
            for other in _alternatives(kind, name, seen.fields, trace):
                if other is True and found:
                    break
                model = _differing(kind, task, name, other, own)
                if model is not None:
                    found.append(other)
                    built.append(model[0])
                    asked |= model[1].atoms
            if found:
                known.add(name)
                kind.choices[name] = found
    return built, asked


def _undeclared(config: PreTrainedConfig, trace: Trace) -> Iterator[str]:
    """Fields that the model asks for and that the configuration's class does not declare."""
    for path, inner in {"": config, **subconfigs(config)}.items():
        for cls, name in sorted(trace.missing, key=lambda pair: pair[1]):
            if type(inner) is cls and name[0] != "_" and name not in IGNORED | NEVER:
                yield f"{path}.{name}" if path else name


def _own_fields(seen: Value, atoms: set[str]) -> set[str]:
    """The fields that the formulas of a composite name."""
    text = " ".join([*atoms, *(str(size) for slot, _ in seen.slots for size in slot.sizes)])
    return {name for name in seen.fields if name in text}


def _signature(seen: Value) -> frozenset[Any]:
    return frozenset(
        (s.container, s.path, place, s.kind, s.bias, s.tied, sizes)
        for (s, place), sizes in seen.slots.items()
    )


def _differing(
    kind: Kind, task: str, name: str, other: Value, own: frozenset[Any]
) -> tuple[Observation, Trace] | None:
    """What is built with another value of one field; ``None`` if nothing, or the same."""
    if isinstance(other, PerLayer):
        chance = random.Random(7)  # noqa: S311
        other = other.draw(flatten(configure(kind.name, kind.base)), chance)
    try:
        _, _, seen, trace = build(kind, task, {name: other})
    except BuildError:
        return None
    return (seen, trace) if _signature(seen) != own else None


def _alternatives(kind: Kind, name: str, fields: Flat, trace: Trace) -> Iterator[Any]:
    value = fields[name]
    length = _length_field(name, value, fields)
    if length is not None:
        options = set(value) | set(trace.words.get(f"{name}[0]", ()))
        if type(value[0]) is int:
            options |= {2 * item for item in value}
        yield PerLayer(tuple(sorted(options)), length)
    elif value == PRESENT:
        if flatten(configure(kind.name, {name: None})).get(name) is None:
            yield None
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from _integers(name, value, name in trace.atoms or f"{name} > 0" in trace.atoms)
    elif isinstance(value, float):
        yield from (value * 2, value / 2)
    elif isinstance(value, str):
        yield from sorted(trace.words.get(name, set()) - {value})
    else:
        yield from _structured(kind, name, value)


def _integers(name: str, value: int, asked: bool) -> Iterator[Any]:
    if name == "num_labels":
        yield from (3, 7)
        return
    if name in COUNTS:
        yield from (value + 1, value - 1, value + 2)
        return
    if MANY.search(name.rsplit(".", 1)[-1]) or value <= 16:
        yield from sorted({value + 1, value - 1, 2 * value, 1, 0} - {value, -1})
    else:
        yield from (2 * value, value + value // 2, value + 8)
        if asked:
            yield 0
    yield None


def _structured(kind: Kind, name: str, value: Value) -> Iterator[Any]:
    hint = _hint(kind, name) if value is None else ""
    if isinstance(value, list) and all(type(item) is int for item in value):
        yield from ([0, 2], [1, 3], [])
        if value:
            yield [2 * item for item in value]
            yield [item + 1 for item in value]
    elif _is_list(value, str):
        yield from (value[::-1], value[1:])
    elif value is None and "list[int]" in hint:
        yield from ([0, 2], [1, 3])
    elif value is None and "bool" in hint:
        yield True
    elif value is None and "int" in hint:
        yield from (2, 24, 64, 256)
    elif value is None and hint == UNDECLARED:
        if not FLAG.match(name.rsplit(".", 1)[-1]):
            yield from (24, 64, 256, 2)
        yield True


def _hint(kind: Kind, path: str) -> str:
    """The annotation of a field, as text."""
    cls: Any = CONFIG_MAPPING[kind.name]
    *outer, name = path.split(".")
    for part in outer:
        cls = type(getattr(cls(), part, None))
    for each in getattr(cls, "__mro__", ()):
        if name in getattr(each, "__annotations__", {}):
            return str(typing.cast("Any", each).__annotations__[name])
    return UNDECLARED


def sample(kind: Kind, chance: random.Random) -> tuple[str, Flat, Any]:
    """A random configuration that can be built: the task, the overrides and what was built.

    Raises:
        BuildError: if many attempts fail.
    """
    for attempt in range(60):
        task = chance.choice(list(kind.classes))
        share = (0.7, 0.45, 0.25, 0.12)[min(3, attempt // 8)]
        flat = _draw(kind, chance, share)
        try:
            return task, flat, build(kind, task, flat)
        except BuildError as problem:
            error = problem
    raise error


def _draw(kind: Kind, chance: random.Random, share: float) -> Flat:
    flat: Flat = {}
    lists: dict[str, PerLayer] = {}
    for name, options in kind.choices.items():
        if chance.random() > share:
            continue
        choice = chance.choice(options)
        if isinstance(choice, PerLayer):
            lists[name] = choice
        else:
            flat[name] = choice
    counts = {name: value for name, value in flat.items() if type(value) is int}
    try:
        full = flatten(configure(kind.name, kind.base)) | counts
        for name, options in kind.choices.items():
            fixed = isinstance(kind.base.get(name), list) and isinstance(options[0], PerLayer)
            if fixed and options[0].length in flat:
                lists.setdefault(name, options[0])
        for name, choice in lists.items():
            flat[name] = choice.draw(full, chance)
    except (BuildError, KeyError):
        return flat
    return flat
