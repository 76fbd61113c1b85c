"""The modules of a dense decoder as :mod:`lora_rules.facts.families` writes them down.

For a type that the packaged table of architectures lacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple

from lora_rules.facts.families import FAMILIES, Config
from lora_rules.facts.families import Linear as Repeated
from lora_rules.facts.model_table import Task, _read
from lora_rules.facts.modules import Embedding, Linear, Modules
from lora_rules.needs import Unknown


def family_modules(model_type: str, values: Mapping[str, object]) -> Modules:
    """Every module at its full path.

    Raises:
        Unknown: if the family is not counted exactly, or a field is missing.
    """
    family = FAMILIES.get(model_type)
    if family is None:
        raise Unknown(f"models of type {model_type!r} are not counted exactly yet")
    config = Config(values)
    shape = family.build(config, config.flag("tie_word_embeddings", family.tied))
    table, head = shape.embedding, shape.head
    base = table.path.partition(".")[0]
    task = Task("causal", "", base, head.path, table.path)
    linears = [one for each in shape.linears for one in _at_each_layer(each)]
    return Modules(
        model_type,
        task,
        _read(model_type, {"tasks": {"causal": astuple(task)}, "targets": family.peft_targets}),
        [*linears, Linear(head.path, head.inputs, head.outputs, head.bias, shape.tied)],
        [Embedding(table.path, table.rows, table.width)],
        others=shape.others,
    )


def _at_each_layer(each: Repeated) -> list[Linear]:
    return [
        Linear(each.path.replace("{i}", str(layer)), each.inputs, each.outputs, each.bias)
        for layer in range(each.count)
    ]
