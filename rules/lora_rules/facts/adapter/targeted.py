"""Fact ``targeted``: what PEFT 0.21.2 makes of the settings that name modules, entry by entry.

Where :mod:`lora_rules.facts.adapter.adapter` counts what is trained and gives up at the first
doubt, this says what fits, what does not, and what PEFT refuses, so that rules can tell of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from lora_rules.engine._startup.record import lazily, record, replace
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Unknown, Value, possibly
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.engine.views import Outline
from lora_rules.facts.adapter.adapter import matrices
from lora_rules.facts.adapter.fused_targets import HalfFused, Wanted, rewrite
from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK
from lora_rules.facts.adapter.targeting import ALL_LINEAR, Targets, matches
from lora_rules.facts.model.inventory import ADAPTABLE, CONV1D, LINEAR, OTHER, Inventory
from lora_rules.facts.model.other_modules import is_named_in

CLASSIFIERS = ("classifier", "score")
_ASKS_FOR_INDEX = lazily(r"\d|\[|\{|\\[DSW]")
"""What an expression can tell one index from another by; a class of all digits takes any."""


@record(frozen=True)
class Targeted:
    """What becomes of the targets."""

    inventory: Inventory
    written: Collection[str] | str | None
    """``target_modules`` as it stands there."""
    wanted: Wanted
    """After PEFT filled in its default and rewrote the names of experts; its ranks are factors."""
    adapted: tuple[str, ...] = ()
    """Modules that get an adapter."""
    refused: tuple[str, ...] = ()
    """Modules that are named and that PEFT cannot adapt."""
    without_layers: tuple[str, ...] = ()
    """Modules that would be adapted if no layers were chosen."""
    taken_out: tuple[str, ...] = ()
    """Modules that ``exclude_modules`` or ``modules_to_save`` take out of the targets."""
    excludes: bool = False
    """``exclude_modules`` takes out something, be it a target or not."""
    unmatched: tuple[str, ...] = ()
    """Names in the list that no module has."""
    parameters: tuple[str, ...] = ()
    """Parameters that get an adapter, most often fused experts."""
    unmatched_parameters: tuple[str, ...] = ()
    """Entries of ``target_parameters`` as written that certainly fit none."""
    half_fused: HalfFused | None = None
    """Only some of the layers that were fused into one parameter are named: PEFT raises."""
    may_have_parameters: bool = False
    """Some entry of ``target_parameters`` may fit a parameter that is not known here."""

    @property
    def nothing(self) -> bool:
        """Whether no module and no parameter is left to adapt."""
        if self.may_have_parameters:
            return False
        return not self.adapted and not self.parameters and not self.refused

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Inputs and outputs of every adapted linear layer and parameter, of one expert."""
        found = self.inventory.modules
        linears = self.inventory.linears
        sizes = {
            path: (linears[path].inputs, linears[path].outputs)
            for path in self.adapted
            if path in linears
        }
        if found is not None and self.parameters:
            known = dict(matrices(found, self.inventory.others))
            sizes |= {path: known[path][1:] for path in self.parameters if path in known}
        return sizes


def targeted(
    outline: Outline,
    framework: Behaviour,
    inventory: Inventory,
    trust_remote_code: Value,
    target_modules: list[str] | str | None = None,
    exclude_modules: list[str] | str | None = None,
    modules_to_save: list[str] | None = None,
    layers_to_transform: list[int] | int | None = None,
    layers_pattern: list[str] | str | None = None,
    target_parameters: list[str] | None = None,
    task_type: str | None = None,
    pinned_transformers: VersionRange = ANY,
    targets_beside_all: list[str] | str | None = None,
) -> Targeted:
    """What PEFT makes of the targets.

    Raises:
        Unknown: if another program reads them first, or PEFT's answer is not known.
    """
    beside_all = bool(modules_to_save) and _is_all(framework, inventory, target_modules)
    if not beside_all:  # what is trained whole beside every linear layer is worth a look
        _check_readable(outline, framework, inventory, target_modules)
    _check_known(inventory, pinned_transformers, own_code=possibly(trust_remote_code, True))
    saved = [*(modules_to_save or ()), *SAVED_BY_TASK.get(task_type or "", ())]
    beside = [targets_beside_all] if isinstance(targets_beside_all, str) else targets_beside_all
    modules = _handed_on(framework, inventory, target_modules, beside or ())
    given = Wanted(modules, frozenset(target_parameters or ()), {}, exclude_modules or (), saved)
    try:
        wanted = _rewritten(inventory, given)
    except HalfFused as refusal:
        return Targeted(inventory, target_modules, given, half_fused=refusal)
    targets = Targets(
        wanted.modules or (),
        exclude_modules or (),
        saved,
        layers_to_transform,
        [layers_pattern] if isinstance(layers_pattern, str) else layers_pattern or (),
        as_written=target_modules,
    )
    if isinstance(targets.wanted, str) and targets.wanted.lower() == ALL_LINEAR:
        targets = targets.naming(_all_linear(inventory, task_type))
    matched = [path for path in inventory.kinds if targets.match(path)]
    anywhere, taken_out = matched, []
    if targets.layers is not None:
        every_layer = replace(targets, layers=None, layers_patterns=(), as_written=None)
        anywhere = [path for path in inventory.kinds if every_layer.match(path)]
    if targets.excluded or targets.saved:
        unrestricted = Targets(targets.wanted)
        there = set(anywhere)
        everything = (path for path in inventory.kinds if path not in there)
        taken_out = [path for path in everything if unrestricted.match(path)]
    unmatched = list(_unmatched_parameters(inventory, target_parameters or ()))
    return Targeted(
        inventory,
        target_modules,
        wanted,
        tuple(path for path in matched if inventory.kinds[path] in ADAPTABLE),
        tuple(path for path in matched if inventory.kinds[path] == OTHER),
        tuple(anywhere),
        tuple(taken_out),
        _excludes(inventory, exclude_modules, saved),
        tuple(_unmatched(inventory, target_modules)),
        tuple(_parameters(inventory, wanted.parameters)),
        tuple(unmatched),
        may_have_parameters=bool(_doubtful(inventory, target_parameters or (), unmatched)),
    )


def _check_readable(
    outline: Outline, framework: Behaviour, inventory: Inventory, target: object
) -> None:
    """Refuse where PEFT does not get the targets that are written, or gets an expression."""
    lists = framework.lists_linear_layers and _is_everything(target)
    own = framework.names_as_written and (lists or _are_names(target))
    handed_on = framework.adapter_as_written or own
    if not handed_on or outline.domain == "image" or outline.result:
        raise Unknown("another program reads the targets before PEFT does")
    if outline.callee is not None and "AdaLora" in outline.callee:
        raise Unknown("AdaLoRA has defaults of its own")
    fused, callee = inventory.has_experts, outline.callee or ""
    others = framework.chooses_targets(target, fused=fused, callee=callee)
    if others:
        raise Unknown(others)
    if not inventory.exact and isinstance(target, str) and target.lower() != ALL_LINEAR:
        _check_expression(inventory, target)


def _check_expression(inventory: Inventory, target: str) -> None:
    """Refuse an expression whose answer depends on what is not known of a model's paths.

    Known are all names in a path, and no index but 0: one that asks for no index in particular
    fits the same modules of every layer. With which prefix depends on the class.
    """
    unknown = "an expression needs the model's full paths, which are not known"
    if inventory.has_experts or _ASKS_FOR_INDEX.search(target):
        raise Unknown(unknown)
    fits = any(matches(target, path) for path in inventory.kinds)
    if fits != any(matches(target, path.partition(".")[2]) for path in inventory.kinds):
        raise Unknown(unknown)


def _is_all(framework: Behaviour, inventory: Inventory, target: object) -> bool:
    """Whether its program resolves "every linear layer" as PEFT does: of a model of text alone."""
    everything = isinstance(target, str) and target.lower() == ALL_LINEAR
    if not framework.all_linear_of_text or not everything:
        return False
    return inventory.exact and not inventory.fused and not inventory.senses


def _are_names(target: object) -> bool:
    """Whether it is a list of names, without a word such as ``all`` or ``all-embedding``."""
    return isinstance(target, list) and not any(
        str(name).lower().startswith("all") for name in target
    )


def _check_known(inventory: Inventory, transformers: VersionRange, *, own_code: bool) -> None:
    """Refuse where the modules may be others than those of the newest transformers."""
    if transformers.certainly_below("5") and (inventory.has_experts or _was_renamed(inventory)):
        raise Unknown("its modules have other names in the version of transformers that is pinned")
    if own_code and inventory.has_experts:
        raise Unknown("the model may be built by code of its own, with experts that are modules")


def _was_renamed(inventory: Inventory) -> bool:
    return inventory.table is not None and bool(inventory.table.renamed)


def _handed_on(
    framework: Behaviour,
    inventory: Inventory,
    target: list[str] | str | None,
    beside: Sequence[str],
) -> list[str] | str | None:
    """What PEFT is given as targets, where a framework lists the linear layers itself.

    ``beside`` is named besides, which makes one list of both.
    """
    if not framework.lists_linear_layers or not _is_everything(target):
        return target
    if framework.leaves_towers and (text := _of_language_model(inventory)) is not None:
        return text
    return sorted({*inventory.names, *beside})


def _is_everything(target: object) -> bool:
    return isinstance(target, str) and target.lower() == ALL_LINEAR


def _of_language_model(inventory: Inventory) -> list[str] | None:
    """The paths of the linear layers beside the embedding; ``None`` if there are no others.

    Raises:
        Unknown: if the model's paths are not known, or PEFT may rewrite some of them.
    """
    if inventory.embedding is None or not inventory.exact:
        raise Unknown("which of its layers are the language model's is not known")
    beside = inventory.embedding.rpartition(".")[0] + "."
    linears = [path for path in inventory.linears if path != inventory.head]
    inside = [path for path in linears if path.startswith(beside)]
    if len(inside) == len(linears):
        return None
    if inventory.modules is None or inventory.modules.table.fused_targets:
        raise Unknown("PEFT may rewrite the targets that the framework lists")
    return sorted(inside)


def _rewritten(inventory: Inventory, given: Wanted) -> Wanted:
    """With PEFT's defaults, and with the experts of transformers 4 as fused parameters."""
    if inventory.modules is None:
        return _named(inventory, given)
    wanted = rewrite(inventory.modules, inventory.others, given, 1)
    if wanted.modules is None:
        return wanted._replace(modules=inventory.peft_targets or None)
    return wanted


def _named(inventory: Inventory, given: Wanted) -> Wanted:
    """The same where only names are known: which parameters an old name becomes is not."""
    if given.modules is None:
        return given._replace(modules=inventory.peft_targets or None)
    fused = inventory.table.fused_targets if inventory.table is not None else {}
    names = () if isinstance(given.modules, str) else given.modules
    if any(_is_old(fused, name) for name in names):
        raise Unknown("which experts of the model are fused into parameters is not known")
    return given


def _is_old(fused: Collection[str], name: str) -> bool:
    """Whether a target names layers of experts that transformers 5 fuses."""
    return any(name == one or name.endswith(f".{one}") for one in fused)


def _all_linear(inventory: Inventory, task_type: str | None) -> frozenset[str]:
    """Every linear layer but the output head, and but a classifier's own."""
    paths = {path for path, kind in inventory.kinds.items() if kind in (LINEAR, CONV1D)}
    head = inventory.head
    if head is None and task_type == "SEQ_CLS":
        head = next((name for name in reversed(CLASSIFIERS) if name in paths), None)
    return frozenset(paths - {head})


def _excludes(
    inventory: Inventory, excluded: Collection[str] | str | None, saved: list[str]
) -> bool:
    """Whether PEFT finds anything to leave out: what is saved whole counts as well."""
    if not excluded:
        return True
    everything = Targets(r".*", excluded, saved)
    return any(not everything.match(path) for path in inventory.kinds)


def _unmatched(inventory: Inventory, target: Collection[str] | str | None) -> Iterator[str]:
    """Names that certainly nothing in the model has."""
    if target is None:
        return
    if isinstance(target, str):
        return
    fused = inventory.table.fused_targets if inventory.table is not None else {}
    for name in target:
        numbered = not inventory.exact and any(part.isdigit() for part in name.split("."))
        if _is_old(fused, name) or numbered or inventory.named(name):
            continue
        if not is_named_in(inventory.model_type, name.rpartition(".")[2]):
            yield name


def _parameters(inventory: Inventory, names: Collection[str]) -> Iterator[str]:
    for path in _known_parameters(inventory):
        if any(_ends(path, name) for name in names):
            yield path


def _known_parameters(inventory: Inventory) -> Iterator[str]:
    for path in (*inventory.linears, *inventory.embeddings, *inventory.others.held):
        yield f"{path}.weight"
    for path, linear in inventory.linears.items():
        if linear.bias:
            yield f"{path}.bias"
    yield from inventory.fused


def _unmatched_parameters(inventory: Inventory, names: Collection[str]) -> Iterator[str]:
    """Entries whose module is not there, or is one whose parameters are all known."""
    if not inventory.exact:
        return
    known = frozenset(_known_parameters(inventory))
    plain = {path.rpartition(".")[0] for path in inventory.fused} | inventory.linears.keys()
    alike = {_unnumbered(path) for path in plain}
    for name in names:
        owner, _, leaf = name.rpartition(".")
        if any(_ends(path, name) for path in known) or not owner or leaf.endswith("bias"):
            continue
        owners = {_unnumbered(path) for path in inventory.kinds if _ends(path, owner)}
        if owners <= alike:
            yield name


def _unnumbered(path: str) -> str:
    """The same path in whichever layer."""
    return ".".join("#" if part.isdigit() else part for part in path.split("."))


def _doubtful(
    inventory: Inventory, names: Collection[str], unmatched: Collection[str]
) -> list[str]:
    """Entries that neither fit a known parameter nor certainly fit none."""
    known = frozenset(_known_parameters(inventory))
    left = [name for name in names if name not in unmatched]
    return [name for name in left if not any(_ends(path, name) for path in known)]


def _ends(path: str, name: str) -> bool:
    return path == name or path.endswith(f".{name}")
