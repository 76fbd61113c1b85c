"""Fact ``inventory``: the modules of the base model by path, and what PEFT can do with each.

For a type that the table of architectures lacks but whose modules' names are known
(:func:`lora_rules.facts.model.other_modules.names_of`), the paths are names only: every index is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from lora_rules.engine._startup.record import record
from lora_rules.engine.value import Known, Unknown, Value, required
from lora_rules.facts.model.architecture import Architecture, configuration
from lora_rules.facts.model.model_class import loader, task_of
from lora_rules.facts.model.modules import MODELS, Embedding, FusedExperts, Linear, Modules
from lora_rules.facts.model.other_modules import Others, names_of, other_modules
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
        return self.modules.task.head if self.modules is not None else None

    @property
    def embedding(self) -> str | None:
        """The token embedding."""
        return self.modules.task.embedding if self.modules is not None else None

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
) -> Inventory:
    """The modules of the base model, as the class that it is loaded as.

    Raises:
        Unknown: if they are not known.
    """
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
    )


def _names_only(model: str, repository: Repository, loads: str | None) -> Inventory:
    values, *_ = configuration(model, repository)
    model_type = str(values.get("model_type"))
    names = names_of(model_type)
    if names is None:
        raise Unknown(f"the modules of {model_type!r} are not known")
    kinds = dict.fromkeys(names.others.all, OTHER)
    kinds |= dict.fromkeys(names.others.convs, CONVOLUTION)
    kinds |= dict.fromkeys(names.linears, LINEAR)
    return Inventory(model_type, _class(values, loads), kinds, {}, {}, {}, names.others, None)


def _class(values: Mapping[str, object], loads: str | None) -> str:
    """The class that the checkpoint names, unless the script loads another one."""
    named = values.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    kind = (loads or "").rpartition("For")[2]
    return name if loads is None or name.endswith(f"For{kind}") else ""
