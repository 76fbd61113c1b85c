"""What an adapter trains, part by part, as PEFT 0.21.2 would build it.

LoRA on a linear layer of ``d_in x d_out`` adds A (``r x d_in``) and B (``d_out x r``), so
``r * (d_in + d_out)`` parameters; on an embedding of ``rows x width``, ``r * (rows + width)``; on
the fused weights of ``n`` experts, ``n`` times the rank. DoRA adds a magnitude vector of ``d_out``
(``width``), ``lora_bias`` a bias of ``d_out``. Sources: ``peft/tuners/lora/layer.py`` (``Linear``,
``Embedding``, ``ParamWrapper``), ``_mark_only_adapters_as_trainable`` in
``peft/tuners/tuners_utils.py`` for ``bias``.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Absent, Known, Unknown, Value, value_or
from lora_rules.facts.adapter.fused_targets import Wanted, rewrite
from lora_rules.facts.adapter.saved_modules import saved_parts, saved_tokens
from lora_rules.facts.adapter.targeting import ALL_LINEAR, Ranks, Targets
from lora_rules.facts.adapter.trained_part import Part
from lora_rules.facts.model.architecture import Architecture
from lora_rules.facts.model.modules import Embedding, Linear, Modules
from lora_rules.facts.model.other_modules import Others, is_other_somewhere, other_modules

MAMBA = frozenset(["falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"])
"""Types for which PEFT refuses ``out_proj`` (``_check_lora_target_modules_mamba``)."""

CLASSIFIERS = ("classifier", "score")
"""``modules_to_save`` that a classification task adds (``peft/peft_model.py``)."""


class Adapter(NamedTuple):
    """The settings of ``LoraConfig`` that decide what is trained."""

    r: int
    target_modules: list[str] | str | None = None
    rank_pattern: dict[str, object] | None = None
    modules_to_save: list[str] | None = None
    exclude_modules: list[str] | str | None = None
    layers_to_transform: list[int] | int | None = None
    use_dora: bool = False
    bias: str = "none"
    layers_pattern: list[str] | str | None = None
    target_parameters: list[str] | None = None
    trainable_token_indices: list[int] | dict[str, object] | None = None
    lora_bias: bool = False
    task_type: str | None = None
    drops: bool = False
    """There is dropout."""
    num_labels: Value = Absent("num_labels is not given")
    not_counted: str = ""
    """Why what it trains is not counted here; empty if it is."""
    beside_all: tuple[str, ...] = ()
    """What the file names besides, where ``target_modules`` is every linear layer."""


def adapter(
    r: int,
    lora_dropout: Value,
    num_labels: Value,
    not_counted: str,
    target_modules: list[str] | str | None = None,
    rank_pattern: dict[str, object] | None = None,
    modules_to_save: list[str] | None = None,
    exclude_modules: list[str] | str | None = None,
    layers_to_transform: list[int] | int | None = None,
    use_dora: bool = False,
    bias: str = "none",
    layers_pattern: list[str] | str | None = None,
    target_parameters: list[str] | None = None,
    trainable_token_indices: list[int] | dict[str, object] | None = None,
    lora_bias: bool = False,
    task_type: str | None = None,
    targets_beside_all: list[str] | str | None = None,
) -> Adapter:
    """Fact ``adapter``: what a recipe says of it, for every fact that asks what is trained."""
    beside = [targets_beside_all] if isinstance(targets_beside_all, str) else targets_beside_all
    return Adapter(
        r,
        target_modules,
        rank_pattern,
        modules_to_save,
        exclude_modules,
        layers_to_transform,
        use_dora,
        bias,
        layers_pattern,
        target_parameters,
        trainable_token_indices,
        lora_bias,
        task_type,
        drops=isinstance(lora_dropout, Known) and lora_dropout.value not in (0, None),
        num_labels=num_labels,
        not_counted=not_counted,
        beside_all=tuple(beside or ()),
    )


def trained(architecture: Architecture, adapter: Adapter) -> list[Part]:
    """Every part that is trained, none twice.

    Raises:
        Unknown: if PEFT would refuse the configuration, or its count is not written down here.
    """
    if adapter.not_counted:
        raise Unknown(adapter.not_counted)
    if adapter.lora_bias and adapter.use_dora:
        raise Unknown("PEFT refuses lora_bias with use_dora")
    architecture = _for_task(architecture, adapter)
    found = architecture.modules
    others = other_modules(found)
    saved = _saved_names(adapter)
    wanted = _wanted(found, others, saved, adapter)
    targets = _targets(found, wanted, saved, adapter)
    ranks = Ranks(adapter.r, wanted.ranks)
    parts = list(_modules(found, others, targets, ranks, adapter))
    parts += _parameters(found, others, wanted.parameters, ranks, adapter, parts)
    if not parts:
        raise Unknown(
            f"target_modules={adapter.target_modules!r} fits no module of {found.model_type}"
        )
    wrapped = {part.path.removesuffix(".weight") for part in parts}
    whole = list(saved_parts(found, others, saved, wrapped))
    tokens = list(saved_tokens(found, adapter.trainable_token_indices, [*parts, *whole]))
    biases = list(_biases(found, others, adapter.bias, parts, whole))
    return [*parts, *whole, *tokens, *biases]


def _for_task(architecture: Architecture, adapter: Adapter) -> Architecture:
    """The class that the task's model has; PEFT's task says what it is to be."""
    task, now = adapter.task_type, architecture.modules.task.name
    if task in ("TOKEN_CLS", "QUESTION_ANS"):
        raise Unknown(f"the head of a model for {task} is not counted")
    if task == "SEQ_CLS" and now != "sequence":
        return architecture.for_task("sequence", num_labels=_labels(architecture, adapter))
    if task == "FEATURE_EXTRACTION" and now != "base":
        return architecture.for_task("base")
    if task == "CAUSAL_LM" and now in ("masked", "base", "sequence"):
        return architecture.for_task("causal")
    return architecture


def _labels(architecture: Architecture, adapter: Adapter) -> int:
    named = architecture.values.get("id2label")
    labels = value_or(adapter.num_labels, None)
    labels = labels or (len(named) if named else architecture.values.get("num_labels"))
    if not isinstance(labels, int):
        raise Unknown("how many labels the classifier has is not known")
    return labels


def _saved_names(adapter: Adapter) -> list[str]:
    names = adapter.modules_to_save
    if isinstance(names, str):
        raise Unknown("modules_to_save is a text, of which PEFT takes each character for a name")
    return [*(names or ()), *(CLASSIFIERS if adapter.task_type == "SEQ_CLS" else ())]


def _wanted(found: Modules, others: Others, saved: list[str], adapter: Adapter) -> Wanted:
    """The targets with PEFT's own filled in, and with fused experts as parameters."""
    if isinstance(adapter.target_parameters, str):
        raise Unknown("PEFT refuses target_parameters that is a text")
    given = Wanted(
        adapter.target_modules,
        frozenset(adapter.target_parameters or ()),
        adapter.rank_pattern or {},
        adapter.exclude_modules or (),
        saved,
    )
    wanted = rewrite(found, others, given, adapter.r)
    if wanted.modules is None:
        targets = found.table.peft_targets or None
        if targets is None and not wanted.parameters:
            raise Unknown(f"PEFT has no default target_modules for {found.model_type}")
        return wanted._replace(modules=targets or ())
    return wanted


def _targets(found: Modules, wanted: Wanted, saved: list[str], adapter: Adapter) -> Targets:
    patterns = adapter.layers_pattern or []
    targets = Targets(
        wanted.modules or (),
        adapter.exclude_modules or (),
        saved,
        adapter.layers_to_transform,
        [patterns] if isinstance(patterns, str) else patterns,
        as_written=adapter.target_modules,
    )
    if isinstance(targets.wanted, str) and targets.wanted.lower() == ALL_LINEAR:
        return targets.naming(_all_linear(found, adapter.task_type) | set(adapter.beside_all))
    return targets


def _all_linear(found: Modules, task_type: str | None) -> frozenset[str]:
    """Every linear layer but the output head, and but a classifier's own."""
    paths = {each.path for each in found.linears}
    head = found.task.head
    if head is None and task_type == "SEQ_CLS":
        top = {path.partition(".")[0] for path in paths}
        head = next((name for name in reversed(CLASSIFIERS) if name in top), None)
    return frozenset(paths - {head})


def _modules(
    found: Modules, others: Others, targets: Targets, ranks: Ranks, adapter: Adapter
) -> Iterator[Part]:
    odd = next((path for path in others.all if targets.match(path)), None)
    if odd is not None:
        raise Unknown(f"target_modules also names {odd}, which is no linear layer")
    _refuse_doubtful(found, targets)
    for each in found.linears:
        if targets.match(each.path):
            if each.name == "out_proj" and found.model_type in MAMBA:
                raise Unknown(f"PEFT refuses out_proj of a model of type {found.model_type}")
            extra = each.outputs * (adapter.use_dora + adapter.lora_bias)
            yield _part(each, ranks, extra)
    for table in found.embeddings:
        if targets.match(table.path):
            if adapter.lora_bias:
                raise Unknown("PEFT refuses lora_bias on an embedding")
            yield _part(table, ranks, table.width * adapter.use_dora)


def _refuse_doubtful(found: Modules, targets: Targets) -> None:
    """A name that is not here is passed over, unless a variant of the model has it after all."""
    if isinstance(targets.wanted, str):
        return
    known = {each.name for each in found.linears}
    known |= {each.path.rpartition(".")[2] for each in found.embeddings}
    for name in targets.wanted:
        leaf = name.rpartition(".")[2]
        if leaf not in known and is_other_somewhere(leaf):
            raise Unknown(f"target_modules names {name!r}, which may be no linear layer")


def _part(module: Linear | Embedding, ranks: Ranks, extra: int) -> Part:
    rank = ranks.of(module.path)
    if isinstance(module, Linear):
        return Part.adapting(module.path, rank, module.inputs, module.outputs, extra)
    return Part.adapting(module.path, rank, module.rows, module.width, extra)


def _parameters(
    found: Modules,
    others: Others,
    names: frozenset[str],
    ranks: Ranks,
    adapter: Adapter,
    adapted: list[Part],
) -> Iterator[Part]:
    """LoRA on parameters themselves, most often on fused experts (``target_parameters``)."""
    if not names:
        return
    _refuse_on_parameters(adapter)
    known = dict(matrices(found, others))
    unmatched = {name for name in names if not any(_names(name, path) for path in known)}
    if not found.fused_experts:
        unmatched -= set(found.table.fused_targets.values())  # PEFT passes them over
    strange = [f"{path}.{leaf}" for path in others.held for leaf in ("weight", "bias")]
    strange = [path for path in strange if path not in known]
    if unmatched or any(_names(name, path) for name in names for path in strange):
        raise Unknown(f"target_parameters={sorted(names)} may fit a parameter that is not known")
    modules = {part.path for part in adapted}
    for path, (count, inputs, outputs) in known.items():
        if any(_names(name, path) for name in names):
            if path.rpartition(".")[0] in modules:
                raise Unknown(f"PEFT refuses to adapt {path} as a module and as a parameter")
            yield Part.adapting(path, ranks.of(path), inputs, outputs, experts=count)


def _refuse_on_parameters(adapter: Adapter) -> None:
    if adapter.drops:
        raise Unknown("PEFT refuses lora_dropout on parameters, as fused experts are")
    if adapter.use_dora or adapter.lora_bias:
        raise Unknown("PEFT refuses DoRA and lora_bias on parameters, as fused experts are")


def matrices(found: Modules, others: Others) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Every parameter that can be adapted: how many experts, inputs and outputs."""
    for each in found.linears:
        if each.class_name != "Conv1D":
            yield f"{each.path}.weight", (1, each.inputs, each.outputs)
    for table in found.embeddings:
        yield f"{table.path}.weight", (1, table.rows, table.width)
    for fused in found.fused_experts:
        count, rows, columns = fused.sizes
        yield fused.path, (count, columns, rows)
        router = fused.path.removesuffix(".experts.down_proj") + ".gate"
        if router in others.routers:
            yield f"{router}.weight", (1, rows, count)


def _names(name: str, path: str) -> bool:
    return path == name or path.endswith(f".{name}")


def _biases(
    found: Modules, others: Others, bias: str, adapted: list[Part], whole: list[Part]
) -> Iterator[Part]:
    """The base model's own biases that ``bias`` sets free."""
    if bias == "none":
        return
    if not isinstance(bias, str) or not (bias == "all" or bias.endswith("_only")):
        raise Unknown(f"PEFT refuses bias={bias!r}")
    saved = {part.path for part in whole}
    chosen = {part.path.removesuffix(".weight") for part in adapted}
    for each in found.linears:
        free = not each.shared_bias if bias == "all" else each.path in chosen
        if each.bias and free and not any(f"{each.path}.".startswith(f"{one}.") for one in saved):
            yield Part(f"{each.path}.bias", each.outputs, whole=True)
    if bias == "all":
        if others.odd_biases or not found.table.groups:
            raise Unknown(f"which biases PEFT trains in a {found.model_type} is not known")
        if found.other_biases:
            yield Part("the other biases", found.other_biases, whole=True)
