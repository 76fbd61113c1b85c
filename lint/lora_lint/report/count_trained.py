"""What ``lora-lint params`` tells of a recipe, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any, NamedTuple
from lora_rules.engine.injection import arguments, in_every_world
from lora_rules.engine.value import Unknown
from lora_rules.recipe import Recipe

if TYPE_CHECKING:
    from lora_rules.engine.injection import World
    from lora_rules.facts.adapter.adapter import Adapter
    from lora_rules.facts.adapter.trained_part import Part
    from lora_rules.facts.model.architecture import Architecture

QUERY_VALUE = ("q_proj", "v_proj", "q", "v", "query", "value")
ATTENTION = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "qkv_proj", "Wqkv", "query_key_value"),
    *("q", "k", "v", "o", "query", "key", "value", "c_attn"),
)
MLP = (
    *("gate_proj", "up_proj", "down_proj", "gate_up_proj", "fc1", "fc2", "fc_in", "fc_out"),
    *("wi", "wi_0", "wi_1", "wo", "c_fc", "w1", "w2", "w3"),
    *("dense_h_to_4h", "dense_4h_to_h"),
)
"""What the usual models call such layers."""


class Missing(NamedTuple):
    """Why nothing can be told."""

    why: str


class Group(NamedTuple):
    """Modules of one name, rank and size."""

    name: str
    modules: int
    rank: int
    inputs: int
    outputs: int
    experts: int
    extra: int
    whole: bool
    trained: int
    """All of them together."""


class Strategy(NamedTuple):
    """What other targets would train at the same rank."""

    name: str
    targets: str
    trained: int | None
    is_this: bool
    """The recipe trains the same number."""
    why: str = ""


class Counted(NamedTuple):
    """The counts of one recipe, for one choice among the values that a setting may have."""

    model: str
    source: str
    total: int
    r: int | None
    trained: int | None
    why: str
    """Why the adapter is not counted."""
    groups: tuple[Group, ...]
    strategies: tuple[Strategy, ...]


def count(recipe: Recipe) -> Iterator[Counted | Missing]:
    """One answer for each combination of values that the settings may have."""
    from lora_rules.facts.adapter.trainable_parameters import trainable_parameters
    from lora_rules.facts.model.architecture import architecture

    try:
        yield from in_every_world(
            trainable_parameters,
            recipe,
            lambda world: _counted(architecture(*_filled(architecture, world)), world),
        )
    except Unknown as missing:
        yield Missing(str(missing))


def _filled(function: Callable[..., Any], world: World) -> list[Any]:
    """As untyped as a call through parameter names is."""
    return list(arguments(function, world))


def _counted(known: Architecture, world: World) -> Counted:
    from lora_rules.facts.adapter.adapter import trained
    from lora_rules.facts.adapter.trainable_parameters import trainable_parameters

    recipe: Recipe = world.recipe
    r = recipe.known("r")
    rank = r if isinstance(r, int) and r > 0 else None
    parts: list[Part] = []
    why = ""
    try:
        _, adapter = _filled(trainable_parameters, world)
        rank = adapter.r
        parts = trained(known, adapter)
    except Unknown as missing:
        why = str(missing)
    total = sum(part.count for part in parts) if parts else None
    return Counted(
        str(recipe.known("model_name_or_path")),
        known.source,
        known.parameters,
        rank,
        total,
        why,
        tuple(_groups(parts)),
        tuple(_strategies(known, rank, total)) if rank is not None else (),
    )


def _groups(parts: list[Part]) -> Iterator[Group]:
    alike: dict[Group, Group] = {}
    for part in parts:
        name = part.path if part.whole else part.name
        sizes = part.rank, part.inputs, part.outputs, part.experts, part.extra, part.whole
        key = Group(name, 0, *sizes, trained=0)
        group = alike.get(key, key)
        alike[key] = group._replace(modules=group.modules + 1, trained=group.trained + part.count)
    yield from alike.values()


def _strategies(known: Architecture, r: int, this: int | None) -> Iterator[Strategy]:
    from lora_rules.facts.adapter.adapter import Adapter

    names = {each.name for each in known.linears}
    names |= set(known.modules.table.fused_targets)
    for name, wanted in (
        ("query and value", QUERY_VALUE),
        ("all attention", ATTENTION),
        ("MLP only", MLP),
    ):
        targets = [one for one in wanted if one in names]
        if targets:
            yield _strategy(known, name, Adapter(r, targets), this)
    yield _strategy(known, "all linear", Adapter(r, "all-linear"), this)


def _strategy(known: Architecture, name: str, adapter: Adapter, this: int | None) -> Strategy:
    from lora_rules.facts.adapter.adapter import trained

    targets = adapter.target_modules
    said = targets if isinstance(targets, str) else ", ".join(targets or ())
    try:
        total = sum(part.count for part in trained(known, adapter))
    except Unknown as missing:
        return Strategy(name, said, None, False, str(missing))
    return Strategy(name, said, total, total == this)
