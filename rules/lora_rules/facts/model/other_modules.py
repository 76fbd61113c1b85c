"""Modules that are no linear layer: a target that names one is refused, or adapts a convolution.

The packaged table ``other_modules.json``, one line a model type, is written by
``tools/build_other_modules.py`` from transformers' own classes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.record import lazily, record
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import MODULE_INDICES
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.modules import MODELS, Modules

_TABLE = "facts/model/other_modules.json"
USUAL = lazily(r"norm|(^|_)ln(_|$)|conv|drop|rotary|position|act_fn", re.IGNORECASE)
"""What such modules are called, those of rare variants too."""


@record(frozen=True)
class Others:
    """Paths of a model's modules that LoRA does not simply adapt."""

    held: frozenset[str]
    """With parameters of their own: norms, convolutions, routers, …"""
    bare: frozenset[str]
    """Without: activations, dropout, …"""
    around: frozenset[str]
    """Those around others, such as a whole layer."""
    routers: frozenset[str]
    """Those of ``held`` that choose among fused experts."""
    odd_biases: bool = False
    """Some biases are not called ``bias``, so that PEFT's ``bias="all"`` passes them over."""
    convs: frozenset[str] = frozenset()
    """Those of ``held`` that are convolutions, which PEFT adapts."""

    @cached_property
    def all(self) -> frozenset[str]:
        """Every one."""
        return self.held | self.bare | self.around


@lru_cache(MODELS)
def other_modules(found: Modules) -> Others:
    """The other modules of a model, perhaps some more than it has."""
    experts = [each.path for each in found.fused_experts]
    types = (found.model_type, *_inner_types(found.config))
    return others_of(types, found_paths(found), experts, found.task.base)


def others_of(
    types: Iterable[str], paths: Collection[str], fused: Iterable[str], base: str
) -> Others:
    """The other modules in a model of some types.

    Args:
        types: its type, and those of the models inside.
        paths: its linear layers, embeddings and fused experts.
        fused: those of them that are fused experts.
        base: the path of the base model.

    Raises:
        Unknown: if it has too many layers to be meant.
    """
    indices = [int(part) for path in paths for part in path.split(".") if part.isdigit()]
    count = max(indices, default=-1) + 1
    if count > MODULE_INDICES:
        raise Unknown(f"the model has more than {MODULE_INDICES} layers or experts")
    entries = [_entry(name) for name in types]
    groups = {
        group: frozenset(
            path
            for entry in entries
            for pattern in entry.get(group, "").split()
            for path in _expand(pattern, base, count)
        )
        for group in ("held", "bare", "routers", "convs")
    }
    experts = {_parent(path) for path in fused}
    absent = {path for path in groups["routers"] if f"{_parent(path)}.experts" not in experts}
    groups["held"], groups["routers"] = groups["held"] - absent, groups["routers"] - absent
    everything = {*paths, *groups["held"], *groups["bare"]}
    around = {path[:at] for path in everything for at, char in enumerate(path) if char == "."}
    return Others(
        groups["held"],
        groups["bare"],
        frozenset(around),
        groups["routers"],
        any(entry.get("biases") for entry in entries),
        groups["convs"] & groups["held"],
    )


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def found_paths(found: Modules) -> list[str]:
    """The paths of everything in the table of architectures."""
    return [
        *(each.path for each in found.linears),
        *(each.path for each in found.embeddings),
        *(each.path for each in found.fused_experts),
    ]


class Names(NamedTuple):
    """What the modules of a type are called, without their sizes and how many there are."""

    linears: frozenset[str]
    """Linear layers and embeddings; every index is 0, and the base model has no name."""
    others: Others
    targets: tuple[str, ...] = ()
    """``target_modules`` that PEFT fills in for ``None``; empty when it refuses."""


def names_of(model_type: str) -> Names | None:
    """The names in a model of a type that the table of architectures lacks, if they are known."""
    entry = _entry(model_type)
    if "linears" not in entry:
        return None
    linears, held, bare, convs = (
        frozenset(
            path
            for pattern in entry.get(group, "").replace(",", " ").split()
            for path in _expand(pattern, "", 1)
        )
        for group in ("linears", "held", "bare", "convs")
    )
    everything = {*linears, *held, *bare}
    around = {path[:at] for path in everything for at, char in enumerate(path) if char == "."}
    others = Others(held, bare, frozenset(around), frozenset(), convs=convs)
    return Names(linears, others, tuple(entry.get("targets", "").replace(",", " ").split()))


def is_named_in(model_type: str, name: str) -> bool:
    """Whether some base model of the type has a module of this name that is no linear layer."""
    paths = " ".join(_entry(model_type).get(group, "") for group in ("held", "bare")).split()
    return any(name in path.split(".") for path in paths if path.startswith("~"))


@cache
def is_other_somewhere(name: str) -> bool:
    """Whether some type has, or may have, a module of this name that is no linear layer."""
    return USUAL.search(name) is not None or any(
        f"{before}{name}{after}".encode("utf-8", "surrogatepass") in packaged.content(_TABLE)
        for before in '."~ '
        for after in ' "'
    )


def _inner_types(config: Mapping[str, object]) -> Iterator[str]:
    """The types of the models inside, which need not be those that the table was made with."""
    for name, value in config.items():
        if isinstance(value, Mapping) and name.endswith("_config"):
            model_type = value.get("model_type")
            if isinstance(model_type, str):
                yield model_type
            yield from _inner_types(value)


def _expand(pattern: str, base: str, count: int) -> Iterator[str]:
    path = f"{base}{pattern[1:]}" if base else pattern[2:]
    if not pattern.startswith("~"):
        path = pattern
    if "{}" not in path:
        yield path
        return
    for index in range(count):
        yield path.replace("{}", str(index))


@cache
def _entry(model_type: str) -> Mapping[str, str]:
    return packaged.entry(_TABLE, model_type) or {}
