"""Fact ``trainable_parameters``: what an adapter trains, counted as PEFT would build it.

LoRA on a linear layer of ``d_in x d_out`` adds A (``r x d_in``) and B (``d_out x r``), so
``r * (d_in + d_out)`` parameters; on an embedding of ``rows x width``, ``r * (rows + width)``.
DoRA adds a magnitude vector of ``d_out`` (``width``). ``tools/check_models.py`` compares the
counts with PEFT 0.21.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lora_rules.facts.architecture import Architecture
from lora_rules.needs import Unknown
from lora_rules.recipe import Recipe

ALL_LINEAR = "all-linear"

NOT_COUNTED = (
    "target_parameters",
    "trainable_token_indices",
    "layers_pattern",
    "layer_replication",
    "lora_bias",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "alora_invocation_tokens",
)
"""Settings of ``LoraConfig`` that change the count in ways not written down here."""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module that LoRA can adapt, at its full path."""

    path: str
    layer: int | None
    inputs: int
    outputs: int
    head: bool = False
    embedding: bool = False
    weights: int = 0
    """All its parameters: what ``modules_to_save`` would train."""


def trainable_parameters(
    architecture: Architecture,
    r: int,
    target_modules: list[str] | str | None = None,
    rank_pattern: dict[str, object] | None = None,
    modules_to_save: list[str] | None = None,
    exclude_modules: list[str] | str | None = None,
    layers_to_transform: list[int] | int | None = None,
    use_dora: bool = False,
    bias: str = "none",
    recipe: Recipe | None = None,
) -> int:
    """How many parameters the adapter trains.

    Raises:
        Unknown: if PEFT would refuse the configuration, or its count is not written down here.
    """
    _refuse_uncounted(bias, recipe)
    modules = list(_modules(architecture))
    targets = _default_targets(architecture) if target_modules is None else target_modules
    adapted = [
        module
        for module in modules
        if _is_target(targets, module)
        and not _is_excluded(exclude_modules, module)
        and _is_in_layers(layers_to_transform, module)
    ]
    saved = list(_saved(modules, modules_to_save))
    if not adapted or any(module in adapted for module in saved):
        raise Unknown(f"target_modules={target_modules!r} does not fit {architecture.model_type}")
    ranks = _compile_ranks(rank_pattern)
    return sum(
        _rank(module, r, ranks) * (module.inputs + module.outputs) + module.outputs * use_dora
        for module in adapted
    ) + sum(module.weights for module in saved)


def _refuse_uncounted(bias: str, recipe: Recipe | None) -> None:
    if bias != "none":
        raise Unknown(f"bias={bias!r} also trains biases, which are not counted")
    if recipe is None:
        return
    if recipe.callee is not None and "AdaLora" in recipe.callee:
        raise Unknown("AdaLoRA changes its ranks while it trains")
    init = recipe.settings.get("init_lora_weights")
    if init is not None and any(str(value).lower() == "mica" for value in init.candidates):
        raise Unknown("MiCA freezes one of the adapter's two matrices")
    for name in NOT_COUNTED:
        setting = recipe.settings.get(name)
        if setting is not None and not all(value in (None, False) for value in setting.candidates):
            raise Unknown(f"an adapter with {setting.key} is not counted")


def _default_targets(architecture: Architecture) -> Sequence[str]:
    if not architecture.peft_targets:
        raise Unknown(f"PEFT has no default target_modules for {architecture.model_type}")
    return architecture.peft_targets


def _modules(architecture: Architecture) -> Iterator[_Module]:
    for each in architecture.linears:
        for layer in range(architecture.layers):
            path = each.path.replace("{i}", str(layer))
            yield _Module(path, layer, each.inputs, each.outputs)
    head, table = architecture.head, architecture.embedding
    yield _Module(head.path, None, head.inputs, head.outputs, head=True, weights=head.parameters)
    yield _Module(
        table.path, None, table.rows, table.width, embedding=True, weights=table.parameters
    )


def _is_target(targets: Sequence[str] | str, module: _Module) -> bool:
    """As PEFT matches: a list by suffix, ``all-linear``, or one regular expression in full."""
    if isinstance(targets, str) and targets.lower() == ALL_LINEAR:
        return not module.head and not module.embedding
    return _matches(targets, module.path)


def _is_excluded(excluded: Sequence[str] | str | None, module: _Module) -> bool:
    return bool(excluded) and excluded is not None and _matches(excluded, module.path)


def _matches(wanted: Sequence[str] | str, path: str) -> bool:
    if isinstance(wanted, str):
        return _compile(wanted).fullmatch(path) is not None
    return any(path == one or path.endswith("." + one) for one in wanted)


def _is_in_layers(layers: Sequence[int] | int | None, module: _Module) -> bool:
    if layers is None or layers == []:
        return True
    wanted = [layers] if isinstance(layers, int) else list(layers)
    if not all(isinstance(layer, int) for layer in wanted):
        raise Unknown(f"layers_to_transform={layers!r} is not a list of layers")
    return module.layer in wanted


def _saved(modules: list[_Module], names: Sequence[str] | None) -> Iterator[_Module]:
    """The modules trained whole. PEFT matches by ``endswith``; here only exact last parts count."""
    for name in names or ():
        found = [
            module
            for module in modules
            if module.weights and module.path.rsplit(".", 1)[-1] == name
        ]
        if not found:
            raise Unknown(f"modules_to_save={name!r} is not counted")
        yield from found


def _compile_ranks(pattern: Mapping[str, object] | None) -> list[tuple[re.Pattern[str], int]]:
    compiled = []
    for name, rank in (pattern or {}).items():
        if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
            raise Unknown(f"rank_pattern gives {name!r} the rank {rank!r}")
        compiled.append((_compile(rf"(.*\.)?({name})$", own=name), rank))
    return compiled


def _rank(module: _Module, r: int, ranks: list[tuple[re.Pattern[str], int]]) -> int:
    return next((rank for pattern, rank in ranks if pattern.match(module.path)), r)


def _compile(pattern: str, own: str | None = None) -> re.Pattern[str]:
    """The regular expression, unless it could take for ever to match (it is a stranger's)."""
    text = pattern if own is None else own
    if len(text) > 400 or re.search(r"\)[*+{]", text) or len(re.findall(r"[*+]", text)) > 4:
        raise Unknown(f"the regular expression {text!r} is not followed here")
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise Unknown(f"{text!r} is no regular expression: {problem}") from None
