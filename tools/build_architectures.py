"""Writes ``rules/lora_rules/facts/model/architectures.json``: what each model type consists of.

    PYTHONPATH=rules python tools/build_architectures.py [TYPE …] [--part N/M] [--output FILE]

Needs torch, transformers and peft, which the linter does not. Every causal, sequence-to-sequence,
masked, image-text and sequence-classification type of the installed transformers is built some
sixty times on the meta device with traced sizes (``architectures_trace.py``), taken apart
(``architectures_observe.py``), described (``architectures_describe.py``), and then checked with
fresh random configurations through the linter's own reader; what the check finds wrong is learned
from, and a type that stays wrong is written down as unresolved. With types named, only these are
made anew.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parent.parent / "rules"))

import transformers
from peft.utils import transformers_weight_conversion as peft_names
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS
from transformers import CONFIG_MAPPING, PreTrainedConfig
from transformers.conversion_mapping import get_checkpoint_conversion_mapping
from transformers.models.auto import modeling_auto as auto

from architectures_check import check
from architectures_configs import BuildError, Kind, configure, flatten, unread
from architectures_describe import Describer
from architectures_entry import compact, rows, used, words
from architectures_fields import COMMON, FieldReader, names_in
from architectures_inner import inner_types, overruled
from architectures_learn import UnresolvedError
from architectures_observe import Observation
from architectures_trace import Value
from architectures_vary import probe, sample, shrink

TARGET = Path(__file__).parent.parent / "rules/lora_rules/facts/model/architectures.json"
TASKS = {
    "seq2seq": auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
    "speech": auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING,
    "masked": auto.MODEL_FOR_MASKED_LM_MAPPING,
    "image_text": auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING,
    "sequence": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    "image": auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING,
    "base": auto.MODEL_MAPPING,
}
"""The usual one first, for a type that has several."""
LATER = ("speech", "image")
KEPT = {"beit", "clip", "deit", "dinov2", "siglip", "siglip2", "swin", "vit", "whisper"}
"""Of the types that only hear or see, those that are fine-tuned with LoRA in earnest."""
MEMORY = 12 << 30
"""A class that makes real tensors of its full size fails rather than the machine."""
TIE = "tie_word_embeddings"
SEPARATOR = "\n"
NOT_LEARNED = {
    "gemma4_text": ["num_kv_shared_layers?", "num_global_key_value_heads?", "enable_moe_block?"]
}
"""Fields that are off by default, and only build a model together with others: never sampled."""
SAMPLES, ROUNDS, FRESH = 40, 5, 25

Table = dict[str, dict[str, Any]]


def main() -> None:
    """Makes the table."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("types", nargs="*")
    parser.add_argument("--part", default="0/1", help="only every M-th type, from the N-th")
    parser.add_argument("--output", type=Path, default=TARGET)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    table: Table = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    first, step = map(int, arguments.part.split("/"))
    todo = list(arguments.types) or model_types()[first::step]
    builder = Builder(table)
    while todo:
        name = todo.pop(0)
        known = table.get(name, {})
        if arguments.types or not known.get("tasks") or known.get("unresolved"):
            builder.add(name)
        write(table, arguments.output)


def model_types() -> list[str]:
    """Every type that somebody fine-tunes, language models first."""
    found: dict[str, None] = {}
    for task in sorted(TASKS, key=lambda task: task in LATER):
        types = sorted(config.model_type for config in TASKS[task])
        if task != "base":
            found |= dict.fromkeys(n for n in types if task not in LATER or n in KEPT)
    return list(found)


def write(table: Table, path: Path) -> None:
    """Writes the table, a line for each type."""
    lines = (
        f"{json.dumps(name)}:"
        + json.dumps(compact(entry), separators=(",", ":"), ensure_ascii=False)
        for name, entry in sorted(table.items())
    )
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def find_kind(name: str) -> Kind:
    """The classes of a type, each once."""
    config = CONFIG_MAPPING[name]
    classes: dict[str, type] = {}
    for task, mapping in TASKS.items():
        found = mapping.get(config, None)
        cls = found[0] if isinstance(found, tuple) else found
        if cls is not None and cls not in classes.values():
            classes[task] = cls
    return Kind(name, classes)


def prepare(kind: Kind) -> Kind:
    """Makes the default small, and leaves out the classes that not even it builds.

    Raises:
        BuildError: if none is left.
    """
    configure(kind.name, {})
    error = BuildError("no class is built from it")
    for task, cls in list(kind.classes.items()):
        try:
            shrink(Kind(kind.name, {task: cls}))
        except BuildError as problem:
            error = problem
            del kind.classes[task]
    if not kind.classes:
        raise error
    shrink(kind)
    return kind


def _is_flat(name: str) -> bool:
    """Whether a type takes the number of layers of its language model at the top as well."""
    if name not in CONFIG_MAPPING:
        return False
    try:
        config = CONFIG_MAPPING[name](num_hidden_layers=7)
    except Exception:  # every class refuses in its own way
        return False
    return getattr(config.text_config, "num_hidden_layers", None) == 7


class Builder:
    """Makes entries, and those of the configurations inside."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._readers: dict[str, FieldReader] = {}
        self._rules: dict[tuple[str, str], tuple[dict[str, Any], ...]] = {}
        self._wanted: dict[str, set[str]] = {}

    def add(self, name: str) -> dict[str, Any]:
        """Makes the entry of a type, as far as it can be made."""
        started = time.time()
        before = self.table.pop(name, {})
        self._wanted.setdefault(name, set()).update(before.get("defaults", ()))
        kind = find_kind(name)
        try:
            prepare(kind)
            entry = self._resolve(kind)
        except Exception as problem:  # every class reads its fields in its own way
            entry = self.table[name] = {"unresolved": _reason(problem)}
        entry["tasks"] = entry.get("tasks") or {
            task: [task, cls.__name__, "", None, None] for task, cls in kind.classes.items()
        }
        entry |= _about_peft(name, kind)
        said = entry.get("unresolved") or f"{len(entry['groups'])} groups"
        print(f"{name:28} {time.time() - started:6.1f}s  {said}", flush=True)
        return entry

    def parts(self, entry: dict[str, Any]) -> Iterable[str]:
        """The types of the sub-models of an entry."""
        for group in entry.get("groups", ()):
            for _, path in group.get("part", ()):
                at = entry
                for field in path.split("."):
                    inner = at["inner"][field][0]
                    at = self.table.get(inner, {})
                yield inner

    def _resolve(self, kind: Kind) -> dict[str, Any]:
        seen, asked = probe(kind)
        chance = random.Random(kind.name)  # noqa: S311
        for _ in range(SAMPLES):
            self._sample(kind, chance, seen, asked)
        for _ in range(ROUNDS):
            entry = self._entry(kind, seen, asked)
            for part in self.parts(entry):
                if not self.table[part].get("tasks"):
                    self.add(part)
            wrong, _ = check(kind, chance, FRESH, self.table)
            if not wrong:
                return entry
            seen += [observation for _, observation in wrong]
            for _ in range(SAMPLES // 2):
                self._sample(kind, chance, seen, asked)
        raise UnresolvedError(wrong[0][0])

    def _sample(
        self, kind: Kind, chance: random.Random, seen: list[Observation], asked: set[str]
    ) -> None:
        _, _, (_, _, observation, trace) = sample(kind, chance)
        seen.append(observation)
        asked |= trace.atoms

    def _entry(self, kind: Kind, seen: list[Observation], asked: set[str]) -> dict[str, Any]:
        for each in seen:
            for name in kind.choices:
                each.fields.setdefault(name, None)
        description = Describer(seen, list(kind.choices), asked).describe()
        entry: dict[str, Any] = rows(description)
        entry["tasks"] = _tasks(kind, seen)
        entry["words"] = words(entry, seen)
        self.table[kind.name] = entry
        self._fields(kind.name, CONFIG_MAPPING[kind.name], used(entry), kind.choices)
        self.table[kind.name] = {
            key: value for key, value in self.table[kind.name].items() if value
        }
        return self.table[kind.name]

    def _fields(
        self, key: str, cls: type[PreTrainedConfig], names: set[str], choices: dict[str, Any]
    ) -> None:
        """Adds defaults for these fields to an entry, and to the entries of those inside."""
        inner = inner_types(cls)
        raised = {field: f"{field}.{TIE}" for field in inner if _raises(cls, field)}
        names |= set(raised.values())
        if key not in self._readers:
            self._readers[key] = FieldReader(cls, choices)
        entry = self.table.setdefault(key, {})
        known = {
            *entry.get("defaults", {}),
            *names,
            *self._wanted.get(key, ()),
            *(n for n in COMMON if _has(cls, n)),
        }
        own = {name for name in known if name.partition(".")[0] not in inner}
        entry |= self._readers[key].describe(sorted(own))
        entry["unread"] = [*unread(cls), *NOT_LEARNED.get(key, ())]
        entry["flat"] = [field for field in inner if field == "text_config" and _is_flat(key)]
        if raised:
            entry["raised"] = {TIE: next(iter(raised.values()))}
        for field, (sub, is_auto) in inner.items():
            if sub is None:
                entry.setdefault("inner", {})[field] = [None, is_auto, None, True, {}, {}]
                continue
            below = {n.partition(".")[2] for n in names if n.startswith(f"{field}.")} - {""}
            sub_key = _key(key, field, sub)
            if sub_key not in self.table or below - set(self.table[sub_key].get("defaults", {})):
                self._fields(sub_key, sub, below, {})
            absent = self._absent(cls, field, sub, sub_key)
            entry.setdefault("inner", {})[field] = [
                sub_key,
                is_auto,
                absent,
                _nullable(cls, field),
                *self._overruled(key, field, sub_key),
            ]

        ruled = {
            name
            for row in entry.get("inner", {}).values()
            for rule in row[4].values()
            if rule is not None
            for name in names_in(rule)
        }
        missing = {name for name in ruled if name.partition(".")[0] not in inner} - set(
            entry.get("defaults", {})
        )
        if missing:
            entry |= self._readers[key].describe(sorted(own | missing))

    def _overruled(self, key: str, field: str, sub_key: str) -> list[dict[str, Any]]:
        if (key, field) not in self._rules:
            self._rules[key, field] = overruled(self._readers[key], field)
        known = self.table[sub_key].get("defaults", {})
        return [
            {name: value for name, value in found.items() if name in known}
            for found in self._rules[key, field]
        ]

    def _absent(
        self, cls: Value, field: str, sub: type[PreTrainedConfig], sub_key: str
    ) -> dict[str, Any] | None:
        """How the inner configuration that the outer class makes by itself differs from its own."""
        value = getattr(cls(), field, None)
        if value is None:
            return None
        own, plain = flatten(value), flatten(sub())
        names = self.table[sub_key].get("defaults", {})
        return {name: own[name] for name in names if name in own and own[name] != plain.get(name)}


def _reason(problem: Exception) -> str:
    known = isinstance(problem, BuildError | UnresolvedError)
    text = str(problem) if known else f"{type(problem).__name__}: {problem}"
    return text.replace(SEPARATOR, ": ")[:160]


def _raises(cls: Value, field: str) -> bool:
    """Whether a tied model inside makes the outer one tied, as files before transformers 5 do."""
    try:
        if getattr(cls(), TIE, None):
            return False
        kind = getattr(cls(), field).model_type
        return getattr(cls(**{field: {"model_type": kind, TIE: True}}), TIE, None) is True
    except Exception:  # every class checks in its own way
        return False


def _nullable(cls: Value, field: str) -> bool:
    """Whether ``None`` for an inner configuration means that there is none."""
    try:
        return getattr(cls(**{field: None}), field, None) is None
    except Exception:
        return False


def _has(cls: type[PreTrainedConfig], name: str) -> bool:
    return name in cls().__dict__


def _key(outer: str, field: str, cls: type[PreTrainedConfig]) -> str:
    """The name of a configuration's entry: its type, where that is its own."""
    name = str(cls.model_type)
    if name in CONFIG_MAPPING and CONFIG_MAPPING[name] is cls:
        return name
    return f"{outer}.{field}"


def _tasks(kind: Kind, seen: list[Observation]) -> dict[str, list[Any]]:
    tasks = {}
    for task, cls in kind.classes.items():
        first = next(each for each in seen if each.fields["task"] == task)
        base = first.base.strip("*")
        tasks[task] = [task, cls.__name__, base, first.head, first.embedding]
    return tasks


def _about_peft(name: str, kind: Kind) -> dict[str, Any]:
    """PEFT's default targets, and the names before transformers 5."""
    family = peft_names._MODEL_TO_CONVERSION_PATTERN.get(name)
    conversions = get_checkpoint_conversion_mapping(name) or []
    for cls in kind.classes.values():
        conversions = conversions or get_checkpoint_conversion_mapping(cls.__name__) or []
    renamed = [
        [" ".join(each._original_source_patterns), " ".join(each._original_target_patterns)]
        for each in conversions
    ]
    row = {
        "targets": TARGETS.get(name, []),
        "fused_targets": peft_names._MOE_TARGET_MODULE_MAPPING.get(family, {}),
        "renamed": renamed,
        "checkpointing": any(
            bool(getattr(cls, "supports_gradient_checkpointing", False))
            for cls in kind.classes.values()
        ),
    }
    return {key: value for key, value in row.items() if value}


if __name__ == "__main__":
    main()
