"""Fact ``architecture``: a base model's modules and exact parameter count, without its weights.

A model is known by a local folder with a ``config.json``, by its exact hub id (``models.json``,
made by ``tools/build_models.py``), or, beyond that table, by what the hub's cache on disk has of
it; the hub itself is asked only with ``--online``. A name that merely looks like a known one is not
known; a known one with the method of its quantization behind it (``-AWQ``, ``-GPTQ-Int4``) is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.record import record
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.checkpoint_quantization import (
    method_in,
    method_of,
    original,
)
from lora_rules.facts.model.modules import Embedding, Linear, Modules, modules
from lora_rules.repository import NO_FILES, ModelConfig, Repository


@record(frozen=True)
class Architecture:
    """A base model."""

    values: Mapping[str, Any]
    """The fields of its ``config.json``."""
    modules: Modules
    prequantized: bool
    """The checkpoint itself is quantized to 4 bits."""
    source: str
    """Where it was looked up, as a reader would say it."""
    uncounted: str = ""
    """How the checkpoint is quantized, if in a way whose bytes are not counted: ``awq``."""

    @property
    def model_type(self) -> str:
        """As in its ``config.json``."""
        return self.modules.model_type

    @property
    def linears(self) -> tuple[Linear, ...]:
        """Every linear layer but the output head."""
        head = self.modules.task.head
        return tuple(each for each in self.modules.linears if each.path != head)

    @property
    def embedding(self) -> Embedding | None:
        """The token embedding."""
        return self.modules.embedding

    @property
    def head(self) -> Linear | None:
        """The output head; with ``tied``, its weight is the embedding's."""
        return self.modules.head

    @property
    def tied(self) -> bool:
        """Whether head and embedding are one tensor."""
        return self.modules.tied

    @property
    def linear_parameters(self) -> int:
        """Weights of the linear layers without biases: what bitsandbytes quantizes."""
        return sum(each.inputs * each.outputs for each in self.linears)

    @property
    def embedding_parameters(self) -> int:
        """Weights of the token embedding."""
        return self.embedding.parameters if self.embedding is not None else 0

    @property
    def head_parameters(self) -> int:
        """What the head adds to the embedding: nothing but its bias when it is tied."""
        return self.head.parameters if self.head is not None else 0

    @property
    def parameters(self) -> int:
        """All of them, a tied tensor once."""
        return self.modules.parameters

    @property
    def peft_targets(self) -> tuple[str, ...] | str:
        """``target_modules`` that PEFT fills in for ``None``; empty when it refuses."""
        targets = self.modules.table.peft_targets
        return targets if isinstance(targets, str) else tuple(targets)

    def for_task(self, task: str, **fields: object) -> Architecture:
        """The same base model inside another class, with other fields in its configuration.

        Raises:
            Unknown: if there is no such class, or its modules are not known.
        """
        values = {**self.values, **fields}
        if "num_labels" in fields:
            values.pop("id2label", None)
        found = modules(self.model_type, values, task)
        return Architecture(values, found, self.prequantized, self.source, self.uncounted)


def architecture(model_name_or_path: str, repository: Repository = NO_FILES) -> Architecture:
    """The architecture of the base model.

    Raises:
        Unknown: if the id is not in the table and no such folder is there, or its
            ``config.json`` is of a type that is not counted exactly.
    """
    values, source, prequantized, uncounted = configuration(model_name_or_path, repository)
    if source.startswith(_TABLE):
        return _from_table(source, prequantized, uncounted)
    return from_config(values, source, prequantized, uncounted)


_TABLE = "the table of models"
_FILE = "facts/model/models.json"


@cache
def _from_table(source: str, prequantized: bool, uncounted: str) -> Architecture:
    """Built once: recipes of one repository are of few models."""
    config = source.removeprefix(f"{_TABLE} (").removesuffix(")")
    return from_config(_config(config)["values"], source, prequantized, uncounted)


def configuration(
    model_name_or_path: str, repository: Repository = NO_FILES
) -> tuple[Mapping[str, object], str, bool, str]:
    """The fields of a model's ``config.json``, where they are from, and how it is quantized.

    That is, whether to 4 bits by bitsandbytes, and else by which method, if by any.

    Raises:
        Unknown: if no such folder is there, and neither the table nor the hub's cache has the id.
    """
    local = repository.model_config(model_name_or_path)
    if local is not None:
        return _checked(local)
    name = model_name_or_path.strip().lower()
    method = ""
    entry = packaged.entry(_FILE, name, "ids")
    if entry is not None:
        method = str(entry.get("method", ""))
    elif (first := original(name)) != name:
        method = method_in(name) or "another method"
        entry = packaged.entry(_FILE, first, "ids")
    if entry is None:
        return _checked(repository.hub_config(model_name_or_path.strip()))
    values: Mapping[str, object] = _config(entry["config"])["values"]
    four = bool(entry.get("prequantized")) or (method == "bitsandbytes" and "4bit" in name)
    return values, f"{_TABLE} ({entry['config']})", four, "" if four else method


def from_config(
    values: Mapping[str, object], source: str, prequantized: bool, uncounted: str = ""
) -> Architecture:
    """An architecture from the fields of a ``config.json``.

    Fields that are absent have the default of their type, as transformers fills them in.

    Raises:
        Unknown: if the type is not counted exactly, or the fields describe no model.
    """
    model_type = values.get("model_type")
    if not isinstance(model_type, str):
        raise Unknown(f"models of type {model_type!r} are not counted exactly yet")
    return Architecture(values, modules(model_type, values), prequantized, source, uncounted)


def _checked(found: ModelConfig) -> tuple[Mapping[str, object], str, bool, str]:
    values = found.values
    if not isinstance(values.get("model_type"), str):
        raise Unknown(f"{found.path} has no model_type: it is not the configuration of a model")
    quantization = values.get("quantization_config")
    if quantization is None:
        return values, found.path, False, ""
    four = isinstance(quantization, Mapping) and quantization.get("load_in_4bit") is True
    return values, found.path, four, "" if four else method_of(quantization) or "another method"


def _config(name: str) -> Mapping[str, Any]:
    """A configuration of the table, by the name that its ids have for it."""
    found = packaged.entry(_FILE, name, "configs")
    if found is None:
        raise KeyError(name)
    return found
