"""Fact ``inventory``: the modules of the base model by path, and what PEFT can do with each.

Where a model's sizes are not known but its type is (:mod:`lora_rules.facts.model.known_type`), or
where the table of architectures lacks the type but its modules' names are known, the paths are
names only (:mod:`lora_rules.facts.model.module_names`): every index is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from lora_rules.engine._startup.record import record
from lora_rules.engine.problem import Severity
from lora_rules.engine.value import Known, Unknown, Value, required
from lora_rules.engine.views import Outline
from lora_rules.facts.model.architecture import Architecture, configuration
from lora_rules.facts.model.known_type import known_type
from lora_rules.facts.model.model_class import loader, task_of
from lora_rules.facts.model.model_table import Table, Task
from lora_rules.facts.model.module_names import TypeNames, type_names
from lora_rules.facts.model.modules import MODELS, Embedding, FusedExperts, Linear, Modules
from lora_rules.facts.model.other_modules import Others, other_modules
from lora_rules.recipe import Blocks
from lora_rules.repository import Repository

LINEAR, CONV1D, EMBEDDING, CONVOLUTION, OTHER = "linear", "Conv1D", "embedding", "conv", "other"
ROUTERS = frozenset({"gate", "router", "shared_expert_gate", "classifier"})
"""Last names of the layers that choose experts, where experts are."""
ATTENTION = "attention"
"""PyTorch's own ``MultiheadAttention``, known by the class of its output layer."""
OUTPUT_OF_ATTENTION = "NonDynamicallyQuantizableLinear"
SENSES = ("vision", "visual", "audio", "image", "speech")
"""Words in the paths of towers that see or hear."""
ADAPTABLE = (LINEAR, CONV1D, EMBEDDING, CONVOLUTION, ATTENTION)


@record(frozen=True)
class Inventory:
    """What is in a model."""

    model_type: str
    class_name: str
    """Of the model as it is loaded; empty if that is not known."""
    kinds: Mapping[str, str]
    """Every module's path, and what it is."""
    linears: Mapping[str, Linear]
    embeddings: Mapping[str, Embedding]
    fused: Mapping[str, FusedExperts]
    others: Others
    modules: Modules | None
    """``None`` where only names are known."""
    tied: bool = False
    fresh_head: bool = False
    """It is loaded as a class that its checkpoint is not of, so its head starts at random."""
    task: Task | None = None
    """The class that it is loaded as, where the table of architectures has it."""
    table: Table | None = None
    """What that table says of its type; ``None`` where only names are known of the type."""
    by_name: bool = False
    """Its type is known by its name alone: what follows from it is no more than a warning."""
    has_experts: bool = False
    """Some or all of its kind have experts that are fused into parameters."""

    peft_targets: Sequence[str] | str = ()
    """``target_modules`` that PEFT fills in for ``None``; empty when it refuses."""

    def worst(self, severity: Severity) -> Severity:
        """A severity, or the worst one that what is known of the model allows."""
        return Severity.WARNING if self.by_name and severity is Severity.ERROR else severity

    @property
    def kind(self) -> str:
        """What a message calls such a model."""
        return f"{self.model_type} model" + (" (which its name says)" if self.by_name else "")

    @property
    def exact(self) -> bool:
        """Whether the paths are a real model's, with all indices."""
        return self.modules is not None

    @property
    def senses(self) -> bool:
        """Whether a part of it sees or hears."""
        return any(sense in path for path in self.kinds for sense in SENSES)

    @property
    def head(self) -> str | None:
        """The output head, which ``all-linear`` leaves out."""
        return self.task.head if self.task is not None else None

    @property
    def embedding(self) -> str | None:
        """The token embedding."""
        return self.task.embedding if self.task is not None else None

    @property
    def names(self) -> frozenset[str]:
        """The last names of the linear layers but the head."""
        return frozenset(
            path.rpartition(".")[2]
            for path, kind in self.kinds.items()
            if kind in (LINEAR, CONV1D) and path != self.head
        )

    @property
    def layers(self) -> frozenset[int]:
        """The indices of the layers: the first in each path."""
        found = set()
        for path in self.kinds:
            index = next((part for part in path.split(".")[1:] if part.isdigit()), None)
            if index is not None:
                found.add(int(index))
        return frozenset(found)

    def is_router(self, path: str) -> bool:
        """Whether a layer, or its weight, chooses among experts."""
        owner, _, name = path.removesuffix(".weight").rpartition(".")
        beside = any(each.startswith(f"{owner}.experts.") for each in self.fused)
        return beside and name in ROUTERS

    def named(self, name: str) -> list[str]:
        """The modules that a name in a list of targets fits."""
        return [path for path in self.kinds if path == name or path.endswith(f".{name}")]


def inventory(
    blocks: Blocks,
    repository: Repository,
    model_name_or_path: str,
    num_labels: Value,
    task_type: str | None = None,
    architecture: Architecture | None = None,
    outline: Outline | None = None,
) -> Inventory:
    """The modules of the base model, as the class that it is loaded as.

    Raises:
        Unknown: if they are not known, or the adapter is put onto no model.
    """
    if outline is not None and outline.unapplied:
        raise Unknown("nothing reads the adapter's configuration")
    if architecture is None:
        return _names_only(model_name_or_path, repository, loader(blocks))
    task = task_of(loader(blocks), task_type, architecture.modules.table.tasks)
    if task is not None and task != architecture.modules.task.name:
        counted = isinstance(num_labels, Known) and isinstance(num_labels.value, int)
        fields = {"num_labels": required(num_labels)} if counted and task == "sequence" else {}
        return of_architecture(architecture.for_task(task, **fields), fresh_head=True)
    return of_architecture(architecture)


def of_architecture(architecture: Architecture, *, fresh_head: bool = False) -> Inventory:
    """The same for an architecture whose class is settled."""
    return _of_modules(architecture.modules, fresh_head)


@lru_cache(MODELS)
def _of_modules(found: Modules, fresh_head: bool) -> Inventory:
    others = other_modules(found)
    linears = {each.path: each for each in found.linears}
    embeddings = {each.path: each for each in found.embeddings}
    tops = {path.partition(".")[0] for path in (*linears, *embeddings)}
    mine = [path for path in others.all if not found.task.base or path.partition(".")[0] in tops]
    kinds = dict.fromkeys(mine, OTHER)  # the rest belongs to heads of other classes of this type
    kinds |= dict.fromkeys(others.convs & kinds.keys(), CONVOLUTION)
    whole = (path for path, each in linears.items() if each.class_name == OUTPUT_OF_ATTENTION)
    kinds |= dict.fromkeys((path.rpartition(".")[0] for path in whole), ATTENTION)
    kinds |= dict.fromkeys(embeddings, EMBEDDING)
    kinds |= {
        path: CONV1D if each.class_name == "Conv1D" else LINEAR for path, each in linears.items()
    }
    return Inventory(
        found.model_type,
        found.task.class_name,
        kinds,
        linears,
        embeddings,
        {each.path: each for each in found.fused_experts},
        others,
        found,
        found.tied,
        fresh_head,
        found.task,
        found.table,
        has_experts=bool(found.fused_experts),
        peft_targets=found.table.peft_targets,
    )


def _names_only(model: str, repository: Repository, loads: str | None) -> Inventory:
    try:
        values, *_ = configuration(model, repository)
    except Unknown as unknown:
        try:
            known = known_type(model)
        except Unknown:
            raise unknown from None
        names = type_names(known.model_type, known.text_type)
        usual = names.task.class_name if names.task is not None else ""
        return _of_names(known.model_type, names, usual if loads is None else "", by_name=True)
    model_type = str(values.get("model_type"))
    names = type_names(model_type, _text_type(values))
    return _of_names(model_type, names, _class(values, loads))


def _text_type(values: Mapping[str, object]) -> str:
    inside = values.get("text_config")
    return str(inside.get("model_type", "")) if isinstance(inside, Mapping) else ""


def _of_names(
    model_type: str, names: TypeNames, class_name: str, *, by_name: bool = False
) -> Inventory:
    kinds = dict.fromkeys(names.others.all, OTHER)
    kinds |= dict.fromkeys(names.others.convs, CONVOLUTION)
    kinds |= dict.fromkeys(names.embeddings, EMBEDDING)
    kinds |= {path: CONV1D if kind == "Conv1D" else LINEAR for path, kind in names.linears.items()}
    return Inventory(
        model_type,
        class_name,
        kinds,
        {},
        {},
        {},
        names.others,
        modules=None,
        task=names.task,
        table=names.table,
        by_name=by_name,
        has_experts=bool(names.fused),
        peft_targets=names.peft_targets,
    )


def _class(values: Mapping[str, object], loads: str | None) -> str:
    """The class that the checkpoint names, unless the script loads another one."""
    named = values.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    kind = (loads or "").rpartition("For")[2]
    return name if loads is None or name.endswith(f"For{kind}") else ""
