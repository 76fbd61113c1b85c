"""Compares the linter's own reader with models that transformers builds."""

from __future__ import annotations

import random
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from architectures_configs import DROPPED, PRESENT, BuildError, Flat, Kind, nest
from architectures_observe import Observation
from architectures_trace import Value
from architectures_vary import sample
from lora_rules.engine import packaged
from lora_rules.engine.value import Unknown
from lora_rules.facts.model import model_table
from lora_rules.facts.model.modules import Modules, modules

PACKAGED = packaged.content
TABLE = "facts/model/architectures.json"
Shapes = dict[str, tuple[int, int, bool]]


def check(
    kind: Kind, chance: random.Random, times: int, table: Value = None
) -> tuple[list[tuple[str, Observation]], int]:
    """Builds fresh random configurations of a type.

    Args:
        kind: the type.
        chance: where they come from.
        times: how many.
        table: the entries to check, when they are not the packaged ones.

    Returns:
        What was wrong, in a sentence, with the model taken apart; and how many could be built.
    """
    wrong, done = [], 0
    if table is not None:
        install(table)
    for _ in range(times):
        try:
            task, flat, (model, _, observation, _) = sample(kind, chance)
        except BuildError:
            continue
        done += 1
        config = as_file(kind, flat)
        problem = difference(kind.name, config, task, model)
        if problem is not None:
            wrong.append((f"{problem} with {flat}", observation))
    return wrong, done


def as_file(kind: Kind, flat: Flat) -> dict[str, Any]:
    """The overrides as a ``config.json`` would have them: the defaults are not in it."""
    given = {
        name: value
        for name, value in (kind.base | flat).items()
        if value is not DROPPED and value != PRESENT
    }
    return nest(given)


def difference(name: str, config: dict[str, Any], task: str, model: nn.Module) -> str | None:
    """What the reader says otherwise than the model; ``None`` if nothing."""
    try:
        found = modules(name, config, task)
    except Unknown as problem:
        return f"{task}: {problem}"
    total = sum(parameter.numel() for parameter in model.parameters())
    if found.parameters != total:
        return f"{task}: {found.parameters} parameters instead of {total}"
    expected, own = shapes(model), _shapes(found)
    if expected != own:
        paths = {path for path in expected | own if expected.get(path) != own.get(path)}
        path = min(paths)
        return f"{task}: {path} is {own.get(path)} instead of {expected.get(path)}"
    return None


def install(table: Value) -> None:
    """Lets the reader read these entries in place of the packaged ones."""
    model_table.load.cache_clear()
    import json

    lines = (f"{json.dumps(key)}:{json.dumps(entry)}" for key, entry in table.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    packaged.content = lambda file: text.encode() if file == TABLE else PACKAGED(file)


def shapes(model: nn.Module) -> Shapes:
    """Every linear layer and embedding of a model."""
    found: Shapes = {}
    for path, module in model.named_modules():
        if set(module._parameters) - {"weight", "bias"}:
            continue
        if isinstance(module, nn.Linear):
            bias = module._parameters.get("bias") is not None
            found[path] = (int(module.weight.shape[1]), int(module.weight.shape[0]), bias)
        elif isinstance(module, Conv1D):
            found[path] = (int(module.weight.shape[0]), int(module.weight.shape[1]), True)
        elif isinstance(module, nn.Embedding):
            found[path] = (int(module.weight.shape[0]), int(module.weight.shape[1]), False)
    return found


def _shapes(found: Modules) -> Shapes:
    rows = {each.path: (each.inputs, each.outputs, each.bias) for each in found.linears}
    return rows | {each.path: (each.rows, each.width, False) for each in found.embeddings}
