"""What LL402 says where the base model is known: targets that nothing in it fits."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lora_rules.checks.targets.target_names import (
    FEED_FORWARD,
    in_transformers_5,
    renamed_in_5,
    right_names,
)
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.value import Known, Value, possibly
from lora_rules.engine.version_range import VersionRange

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory


class Model(NamedTuple):
    """What says whether the model that runs may be another one than the one that is known here."""

    name: Value
    trust_remote_code: Value
    transformers: VersionRange
    """The versions that are pinned."""

    def may_be_another(self, *, older: bool = False) -> bool:
        """Whether it may be another one.

        Args:
            older: the names in question are those from before transformers 5.
        """
        return (
            (isinstance(self.name, Known) and self.name.setting.overridable)
            or possibly(self.trust_remote_code, True)
            or (older and in_transformers_5(self.transformers, Severity.ERROR) is Severity.WARNING)
        )


def misses(model: Model, targeted: Targeted, parameters: Collection[str]) -> Iterator[Problem]:
    """Names and expressions that fit nothing."""
    if targeted.written is not None and not isinstance(targeted.written, str):
        if targeted.unmatched:
            yield _of_list(model, targeted, list(targeted.written))
    elif isinstance(targeted.written, str) and _has_no_module(targeted):
        yield _of_expression(model, targeted)
    if targeted.unmatched_parameters:
        yield _of_parameters(model, targeted, parameters)


def _fits_nothing(targeted: Targeted) -> bool:
    """Nothing even without what excludes and what chooses layers, of which other rules tell."""
    return (
        targeted.nothing
        and not targeted.half_fused
        and not targeted.without_layers
        and not targeted.taken_out
    )


def _has_no_module(targeted: Targeted) -> bool:
    """The expression fits no module; parameters may be adapted all the same."""
    reached = (targeted.adapted, targeted.refused, targeted.without_layers, targeted.taken_out)
    return not any(reached) and not targeted.half_fused and not _is_rewritten(targeted)


def _is_rewritten(targeted: Targeted) -> bool:
    """PEFT made parameters of all that it names."""
    return bool(targeted.parameters) and targeted.wanted.modules != targeted.written


def _of_list(model: Model, targeted: Targeted, written: list[str]) -> Problem:
    inventory = targeted.inventory
    instead = {name: right_names(inventory, name) for name in targeted.unmatched}
    all_lost = _fits_nothing(targeted)
    covered = {path.rpartition(".")[2] for path in (*targeted.adapted, *targeted.taken_out)}
    lost = [name for name, right in instead.items() if not covered.issuperset(right)]
    older = any(renamed_in_5(inventory, name) for name in targeted.unmatched)
    severity = Severity.ERROR
    if (not all_lost and not lost) or model.may_be_another(older=older):
        severity = Severity.WARNING
    names = _listed(targeted.unmatched)
    effect = (
        "PEFT raises, there is nothing to adapt" if all_lost else "PEFT skips that without a word"
    )
    text = f"a {inventory.kind} has no module called {names}: {effect}."
    if older:
        text += " It had until transformers 5."
    right = _replaced(written, instead)
    edits: tuple[Edit, ...] = (Set("target_modules", right or "all-linear"),)
    return Problem(
        "target_modules",
        f"target_modules: {text}",
        severity=inventory.worst(severity),
        help=_advice(inventory, targeted.unmatched, instead),
        edits=edits,
    )


def _replaced(written: list[str], instead: dict[str, list[str]]) -> list[str]:
    """The list with the right names in the place of wrong ones, each once."""
    pairs = [instead.get(name, [name]) for name in written]
    return list(dict.fromkeys(name for pair in pairs for name in pair))


def _advice(inventory: Inventory, unmatched: Collection[str], instead: dict[str, list[str]]) -> str:
    meant = [f"{right[0]!r} for {name!r}" for name, right in instead.items() if right]
    if meant:
        return f"Write {', '.join(meant)}."
    leaves = {name.rpartition(".")[2] for name in unmatched}
    if inventory.fused and leaves & FEED_FORWARD:
        return f"Its experts are parameters: name them in target_parameters={_experts(inventory)}."
    names = sorted(inventory.names)
    if not names:
        return ""
    return (
        f"Its linear layers are called {', '.join(names[:12])}{', …' if len(names) > 12 else ''}."
    )


def _experts(inventory: Inventory) -> list[str]:
    """Short names of the fused experts, enough for PEFT."""
    return sorted({".".join(path.split(".")[-2:]) for path in inventory.fused})


def _of_expression(model: Model, targeted: Targeted) -> Problem:
    inventory = targeted.inventory
    example = next((path for path in inventory.linears if path != inventory.head), "")
    renamed = bool(inventory.table is not None and inventory.table.renamed)
    doubtful = model.may_be_another(older=renamed) or not targeted.nothing
    return Problem(
        "target_modules",
        f"target_modules: the expression fits no module of a {inventory.kind}: "
        + ("PEFT raises, there is nothing to adapt." if targeted.nothing else "it has no effect."),
        severity=inventory.worst(Severity.WARNING if doubtful else Severity.ERROR),
        help=f"It has to fit a whole path, such as {example!r}." if example else "",
    )


def _of_parameters(model: Model, targeted: Targeted, written: Collection[str]) -> Problem:
    inventory = targeted.inventory
    alone = targeted.nothing and not targeted.without_layers
    edits: tuple[Edit, ...] = ()
    if inventory.fused:
        edits = (Set("target_parameters", _experts(inventory)),)
    return Problem(
        "target_parameters",
        f"target_parameters: a {inventory.model_type} model has no parameter called "
        f"{_listed(targeted.unmatched_parameters)}: "
        + ("PEFT raises, there is nothing to adapt." if alone else "PEFT leaves it out."),
        severity=Severity.ERROR if alone and not model.may_be_another() else Severity.WARNING,
        help=f"Its experts are {', '.join(_experts(inventory))}."
        if inventory.fused
        else "It has no experts that are fused into parameters.",
        edits=edits,
    )


def _listed(names: Collection[str]) -> str:
    return " or ".join(map(repr, names))
