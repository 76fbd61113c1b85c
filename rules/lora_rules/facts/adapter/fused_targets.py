"""Targets of the experts of transformers 4, as PEFT rewrites them for the fused ones of version 5.

Source: ``_convert_peft_config_moe`` in ``peft/utils/transformers_weight_conversion.py`` of PEFT
0.21.2. The names of expert layers that no longer are (``w1``, ``gate_proj``) become names of fused
parameters; two that were fused into one are only taken together, at twice the rank.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.targeting import ALL_LINEAR, Targets
from lora_rules.facts.model.modules import Modules
from lora_rules.facts.model.other_modules import Others


class HalfFused(Unknown):
    """PEFT refuses: of layers that were fused into one parameter, it wants all or none."""

    def __init__(self, fused: Collection[str], parameter: str) -> None:
        super().__init__(f"PEFT wants all of {', '.join(sorted(fused))} as targets or none")
        self.fused = frozenset(fused)
        self.parameter = parameter


class Wanted(NamedTuple):
    """What is to be adapted."""

    modules: Collection[str] | str | None
    parameters: frozenset[str]
    ranks: Mapping[str, object]
    excluded: Collection[str] | str = ()
    saved: Sequence[str] = ()
    """``modules_to_save``, on which nothing is put either."""


def rewrite(found: Modules, others: Others, wanted: Wanted, r: int) -> Wanted:
    """What PEFT makes of the targets, for a type whose experts are fused; else the same."""
    mapping = found.table.fused_targets
    if not mapping:
        return wanted
    names = wanted.modules or frozenset()
    if isinstance(names, str):
        names = _resolve(found, others, Targets(names, wanted.excluded, wanted.saved))
        if not names:
            return wanted
    renamed = {name: old for name in names if (old := _old_name(mapping, name)) is not None}
    ranks = dict(wanted.ranks)
    present = set(renamed.values())
    for new in set(mapping.values()):
        fused = {old for old, its in mapping.items() if its == new}
        if present & fused and not fused <= present:
            raise HalfFused(fused, new)
        if fused <= present and len(fused) > 1:
            ranks[rf".*\.{new}"] = r * len(fused)
    return wanted._replace(
        modules=frozenset(names) - renamed.keys(),
        parameters=wanted.parameters | {mapping[old] for old in present},
        ranks=ranks,
    )


def _old_name(mapping: Mapping[str, str], name: str) -> str | None:
    return next((old for old in mapping if name == old or name.endswith(f".{old}")), None)


def _resolve(found: Modules, others: Others, targets: Targets) -> frozenset[str]:
    """The last names of everything that a text names, but for what is excluded."""
    if str(targets.wanted).lower() == ALL_LINEAR:
        linears = (each.name for each in found.linears if each.path != found.task.head)
        return frozenset((*linears, *found.table.fused_targets))
    modules = [*(each.path for each in found.linears), *(each.path for each in found.embeddings)]
    held = [*modules, *others.held]
    odd = [f"{path}.{leaf}" for path in held for leaf in ("weight", "bias")]
    if any(targets.match(path) for path in odd):
        raise Unknown(f"the expression {targets.wanted!r} also names parameters")
    paths = [*modules, *others.all, *(each.path for each in found.fused_experts)]
    names = {path.rpartition(".")[2] for path in paths if targets.match(path)}
    for old, new in found.table.fused_targets.items():
        parents = (path.removesuffix(new) for path in _parameters(found, others, new))
        if old not in names and any(targets.match(parent + old) for parent in parents):
            names.add(old)
    return frozenset(names)


def _parameters(found: Modules, others: Others, name: str) -> list[str]:
    """Full names of the parameters whose last name is this; PEFT only looks at the last part."""
    leaf = name.rpartition(".")[2]
    fused = [each.path for each in found.fused_experts]
    return [path for path in fused if path.rpartition(".")[2] == leaf]
