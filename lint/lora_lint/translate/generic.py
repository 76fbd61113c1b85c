"""LoRA settings in a file of somebody's own: blocks, by what their keys say together.

A key alone proves nothing: ``r`` and ``alpha`` are words of a vocabulary too, ``q_lora_rank`` is an
architecture's, and "lora" stands in many a table of contents. Two keys that belong together do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as AnyMapping

from lora_lint.read.tree import Mapping, Opaque, Scalar
from lora_lint.read.tree import Sequence as ListNode
from lora_lint.translate.block import block_of, with_sweeps
from lora_lint.translate.draft import Draft, Found, is_null
from lora_lint.translate.records import is_record
from lora_lint.translate.table import Dialect, body
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import SEARCHED_DEPTH, SEARCHED_KEYS
from lora_rules.recipe import Block, Origin, Recipe, Setting, Span

MODES = ("train_mode", "train_type", "training_type", "finetuning_type", "finetune_type", "method")
"""Where such a file says that everything is trained (``train_mode: full``, Firefly's)."""

CERTAIN = frozenset(
    [
        "lora_r",
        "lora_rank",
        "lora_alpha",
        "lora_dropout",
        "lora_target_modules",
        "lora_target",
        "lora_target_linear",
        "target_modules",
    ]
)
"""Two of these are a block."""
RANKS = frozenset({"r", "rank", "lora_r", "lora_rank", "dim", "lora_dim"})
ALONE = frozenset({"lora_r", "lora_rank", "lora_dim"})
"""A rank that needs no other key of LoRA's beside it, where two of training's are."""
TRAINING = frozenset(
    [
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "num_train_epochs",
        "learning_rate",
        "lr_scheduler_type",
        "model_name_or_path",
    ]
)
ALPHAS = frozenset({"alpha", "lora_alpha"})
PARTNERS = frozenset({"lora_alpha", "target_modules", "lora_dropout", "lora_target_modules"})
"""With one of these a bare ``r`` or ``rank`` is a rank."""
NAMED = lazily(r"lora|peft|adapter", re.IGNORECASE)
"""Within a block of such a name, ``alpha`` and ``dropout`` are LoRA's too."""
SWITCHES = (
    "enabled",
    "enable",
    "use_lora",
    "use_peft",
    "apply_lora",
    "lora_enable",
    "lora_enabled",
    "is_lora",
)
SECTIONS = [
    "model",
    "training",
    "trainer",
    "train",
    "args",
    "training_args",
    "training_arguments",
    "trainer_args",
    "training_config",
    "training_configs",
    "train_config",
    "optimizer",
    "optimizer.init_args",
    "optim",
    "hyperparameters",
    "sft",
    "data",
    "data.init_args",
    "dataset",
    "dataloader",
    "quantization",
    "bnb",
    "bnb_config",
    "bitsandbytes",
    "quantization_config",
]
"""Where, beside a block, the rest of a recipe stands."""
OWN_NAMES: AnyMapping[str, AnyMapping[str, tuple[str, ...]]] = {
    "model": {"model": ("name", "path")},
    **{
        section: {"per_device_train_batch_size": ("batch_size",)}
        for section in ("data", "data.init_args", "dataset", "dataloader")
    },
}
"""By section, what it calls a setting besides the names that need no section: by one of those. A
batch size among the data is the loader's, which each process has for itself."""
PEFT_DEFAULTS = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0, "bias": "none"}
"""``peft.LoraConfig`` of every release since 0.3."""


class Level(NamedTuple):
    """A mapping on the way from the file to a block, and its dotted path with a final dot."""

    prefix: str
    mapping: Mapping


class Blocks:
    """The blocks of LoRA settings of a file, each once, however many aliases lead to it."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[tuple[Level, ...]] = []
        """Each with what encloses it: the file first, the block last."""
        self.notes: list[str] = []
        """Where none was looked for."""
        self._seen: dict[tuple[int, bool], int] = {}
        """How many levels down each mapping was looked at, by its identity and whether a name on
        the way there says that it is LoRA's."""
        self._blocks: set[int] = set()

    def search(self, levels: tuple[Level, ...]) -> None:
        """Look at a mapping, and into it."""
        prefix, mapping = levels[-1]
        way = (id(mapping), bool(NAMED.search(prefix)))
        if id(mapping) in self._blocks or self._seen.get(way, len(levels) + 1) <= len(levels):
            return
        self._seen[way] = len(levels)
        if _is_block(prefix, mapping):
            self._blocks.add(id(mapping))
            if len(mapping.entries) > SEARCHED_KEYS:
                self._pass_over(mapping)
            else:
                self.found.append(levels)
        elif len(mapping.entries) > SEARCHED_KEYS:
            self._is_wide(mapping)
        elif len(levels) <= SEARCHED_DEPTH:
            for inner in self._inside(prefix, mapping):
                self.search((*levels, inner))

    def _inside(self, prefix: str, mapping: Mapping) -> Iterator[Level]:
        """The mappings that stand in a mapping, or in a list in it."""
        for entry in mapping.entries:
            if isinstance(entry.node, Mapping):
                yield Level(f"{prefix}{entry.key}.", entry.node)
            elif isinstance(entry.node, ListNode):
                for number, item in enumerate(entry.node.items[:SEARCHED_KEYS]):
                    if isinstance(item, Mapping):
                        yield Level(f"{prefix}{entry.key}[{number}].", item)
                self._is_long(entry.node)

    def _is_long(self, items: ListNode) -> None:
        rest = items.items[SEARCHED_KEYS:]
        if any(isinstance(item, Mapping) for item in rest):
            line = items.span.line
            self.notes.append(
                f"line {line}: of a list of {len(items.items)} mappings the first {SEARCHED_KEYS} "
                "are searched for settings"
            )

    def _is_wide(self, mapping: Mapping) -> None:
        if any(isinstance(entry.node, Mapping) for entry in mapping.entries):
            self.notes.append(
                f"line {mapping.span.line}: a mapping of {len(mapping.entries)} keys, more than "
                f"{SEARCHED_KEYS}, is not searched for settings"
            )

    def _pass_over(self, mapping: Mapping) -> None:
        self.notes.append(
            f"line {mapping.span.line}: what looks like settings has {len(mapping.entries)} keys, "
            f"more than {SEARCHED_KEYS}: it is not read"
        )


def blocks(root: Mapping) -> Blocks:
    """Every block of LoRA settings of a file."""
    found = Blocks()
    found.search((Level("", root),))
    return found


def _is_block(prefix: str, mapping: Mapping) -> bool:
    said = {entry.key for entry in mapping.entries if not is_null(entry.node)}
    ranks, alphas = said & RANKS, said & ALPHAS
    if not (ranks or alphas) or not all(_plausible(mapping, key) for key in ranks | alphas):
        return False
    if len(said & CERTAIN) >= 2 or (said & {"r", "rank"} and said & PARTNERS):
        return True
    if said & ALONE and len(said & TRAINING) >= 2:
        return True
    named = bool(NAMED.search(prefix))
    return named and bool(ranks) and bool(alphas or said & {"dropout", "targets"})


def _plausible(mapping: Mapping, key: str) -> bool:
    """Whether the value could be a rank or an alpha: a number, a sweep of them, or unknown."""
    entry = mapping.get(key)
    if entry is None or isinstance(entry.node, Opaque | ListNode | Mapping):
        return entry is not None
    value = entry.node.value
    if isinstance(value, str):
        return bool(re.fullmatch(r"[\d.]+|\$\{.*\}|\{\{.*\}\}", value))
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Near(Draft):
    """A draft whose keys are looked for in a block and then around it."""

    def __init__(self, dialect: Dialect, levels: Sequence[Level]) -> None:
        prefix, mapping = levels[-1]
        super().__init__(dialect, levels[0].mapping, mapping, prefix)
        self._levels = levels

    def find(self, keys: Iterable[str]) -> Found | None:
        """The first of the keys in the block; else in the nearest level around it."""
        keys = tuple(keys)
        return self._inside(keys) if keys and keys[0] in _peft_names() else self._around(keys)

    def _inside(self, keys: Sequence[str]) -> Found | None:
        prefix, mapping = self._levels[-1]
        return _first(keys, prefix, mapping)

    def _around(self, keys: Sequence[str]) -> Found | None:
        for prefix, mapping in reversed(self._levels):
            found = _first(keys, prefix, mapping)
            if found is not None:
                return found
            for section in SECTIONS:
                found = self._in_section(keys, section, prefix, mapping)
                if found is not None:
                    return found
        return None

    def _in_section(
        self, keys: Sequence[str], section: str, prefix: str, mapping: Mapping
    ) -> Found | None:
        entry = mapping.at(section)
        if entry is None or not isinstance(entry.node, Mapping):
            return None
        found = _first(keys, f"{prefix}{section}.", entry.node)
        for name, others in OWN_NAMES.get(section, {}).items() if found is None else ():
            if name in keys:
                return _first(others, f"{prefix}{section}.", entry.node)
        return found


def _first(keys: Sequence[str], prefix: str, mapping: Mapping) -> Found | None:
    for key in keys:
        entry = mapping.get(key)
        if entry is None or is_null(entry.node):
            continue
        if key == "model" and isinstance(entry.node, Mapping):
            continue
        return Found(prefix + key, entry.node, entry.key_span, entry.node.span)
    return None


def translate(dialect: Dialect, root: Mapping, *, path: str, kind: str) -> Iterator[Recipe]:
    """A recipe for each block that is not switched off."""
    found = blocks(root).found
    others = {id(levels[-1].mapping) for levels in found} if len(found) > 1 else set()
    table = dialect.table
    around = block_of(root, dialect.name, table.known_keys, table.strict, others)
    for levels in found:
        draft = _Near(dialect, levels)
        recipe = _recipe(draft, levels, path, kind)
        if recipe is not None:
            block = _with_own(around, levels[-1]) if others else around
            yield recipe._replace(blocks=(with_sweeps(block, draft.swept),))


def _with_own(around: Block, level: Level) -> Block:
    """What stands around all blocks of a file, and what stands in one of them."""
    own = block_of(level.mapping, around.receiver, around.known_keys, around.strict)
    in_list = "[" in level.prefix  # whose keys are no part of a block
    keys = [] if in_list else [k._replace(name=level.prefix + k.name) for k in own.keys]
    twice = [
        (lost._replace(name=level.prefix + lost.name), kept._replace(name=level.prefix + kept.name))
        for lost, kept in own.duplicates
    ]
    return around._replace(
        keys=tuple(sorted((*around.keys, *keys), key=lambda key: key.span)),
        complete=around.complete and own.complete,
        duplicates=(*around.duplicates, *twice),
    )


def _recipe(draft: _Near, levels: tuple[Level, ...], path: str, kind: str) -> Recipe | None:
    prefix, mapping = levels[-1]
    dialect = draft.dialect
    for spec in dialect.table.fields:
        draft.take(spec)
    rank = draft.settings.get("r")
    if _switched_off(levels) or (rank is not None and rank.candidates == (0,)):
        return None
    if str(draft.plain("peft_type") or "LORA").upper() not in ("LORA", "ADALORA"):
        return None
    if _is_splatted(mapping):
        for name, value in PEFT_DEFAULTS.items():
            draft.default(name, value, key=prefix + name, by="PEFT")
    source = f"the keys of {prefix.rstrip('.') or 'the file'}"
    enabled = Setting("lora_enabled", (True,), Origin.DERIVED, prefix + "lora", source=source)
    return Recipe(
        path=path,
        kind=kind,
        dialect=dialect.name,
        span=_place(draft, mapping),
        settings={"lora_enabled": enabled, **draft.settings},
        result=is_record(mapping),
    )


def _place(draft: Draft, mapping: Mapping) -> Span:
    for name in ("r", "lora_alpha", "target_modules"):
        setting = draft.settings.get(name)
        if setting is not None and setting.key_span is not None:
            return setting.key_span
    return mapping.entries[0].key_span


def _switched_off(levels: tuple[Level, ...]) -> bool:
    """A toggle beside the block that says no: ``enabled: false``, ``train_mode: full``."""
    for number, level in enumerate(reversed(levels)):
        if any(_says(level.mapping, name, ("full", "full_finetune", "freeze")) for name in MODES):
            return True
        for name in SWITCHES[0 if number == 0 else 2 :]:
            entry = level.mapping.get(name)
            if entry is not None and isinstance(entry.node, Scalar):
                return entry.node.value is False or str(entry.node.value).lower() == "false"
    return False


def _says(mapping: Mapping, key: str, words: tuple[str, ...]) -> bool:
    entry = mapping.get(key)
    return entry is not None and isinstance(entry.node, Scalar) and entry.node.value in words


def _peft_names() -> frozenset[str]:
    """PEFT's own names, which belong to the block itself; others are also looked for around it."""
    return body("peft-adapter-json").known_keys


def _is_splatted(mapping: Mapping) -> bool:
    """Whether every key is a parameter of ``peft.LoraConfig``: then the block goes there whole."""
    known = _peft_names() | {"_target_"}
    return all(entry.key in known for entry in mapping.entries)
