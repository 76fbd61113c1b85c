"""Compares every packaged model with transformers' own, built on the meta device.

Needs torch, transformers 5.24.0 and peft 0.21.2, which the project itself does not depend on:

    PYTHONPATH=rules python tools/check_models.py

For each configuration: the total, and every linear layer and embedding by path, shape and bias.
For each family: the adapter's size for each of ``ADAPTERS``, against ``get_peft_model``.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import peft
import torch
import transformers

from lora_rules.engine.packaged import content
from lora_rules.engine.value import Unknown
from lora_rules.facts.adapter.adapter import Adapter
from lora_rules.facts.adapter.trainable_parameters import trainable_parameters
from lora_rules.facts.model.architecture import Architecture, from_config

ADAPTERS: list[dict[str, Any]] = [
    {"target_modules": None},
    {"target_modules": "all-linear"},
    {"target_modules": ["q_proj", "v_proj"]},
    {"target_modules": ["query_key_value", "dense", "c_proj", "o_proj", "down_proj", "fc2"]},
    {"target_modules": r".*\.1\..*(proj|dense|fc1|c_attn|query_key_value)"},
    {"target_modules": "all-linear", "exclude_modules": ["o_proj", "dense", "c_proj", "fc1"]},
    {"target_modules": "all-linear", "rank_pattern": {"q_proj|c_attn|dense": 5, "down_proj": 2}},
    {"target_modules": ["q_proj", "qkv_proj", "c_attn", "dense"], "layers_to_transform": [1, 7]},
    {"target_modules": "all-linear", "use_dora": True},
    {"target_modules": ["lm_head", "embed_tokens", "q_proj", "c_attn", "query_key_value"]},
    {"target_modules": "all-linear", "modules_to_save": ["embed_tokens", "lm_head"]},
]


def _build(
    values: dict[str, Any], layers: int | None = None
) -> tuple[torch.nn.Module, dict[str, Any]]:
    values = dict(values)
    if layers is not None:
        values["n_layer" if "n_layer" in values else "num_hidden_layers"] = layers
    config = transformers.AutoConfig.for_model(**values)
    task = from_config(values, "", prequantized=False).modules.task
    with torch.device("meta"):
        return getattr(transformers, task.class_name)._from_config(config), values


def _modules(model: torch.nn.Module) -> dict[str, tuple[int, int, bool]]:
    found = {}
    # Routers and their like have more parameters than a linear layer; they are no linear layers.
    odd = {
        path for path, each in model.named_modules() if set(each._parameters) - {"weight", "bias"}
    }
    for path, module in model.named_modules():
        kind = type(module).__name__
        if kind == "Conv1D":
            found[path] = (module.weight.shape[0], module.weight.shape[1], True)
        elif isinstance(module, torch.nn.Linear) and path not in odd:
            found[path] = (module.in_features, module.out_features, module.bias is not None)
    return found


def _ours(known: Architecture) -> dict[str, tuple[int, int, bool]]:
    return {each.path: (each.inputs, each.outputs, each.bias) for each in known.modules.linears}


def _check_shape(name: str, values: dict[str, Any]) -> int:
    model, _ = _build(values)
    known = from_config(values, name, prequantized=False)
    total = sum(each.numel() for each in model.parameters())
    wrong = total != known.parameters or _modules(model) != _ours(known)
    if known.embedding is not None:
        table = model.get_input_embeddings().weight
        wrong |= tuple(table.shape) != (known.embedding.rows, known.embedding.width)
        wrong |= model.get_submodule(known.embedding.path).weight is not table
    if wrong:
        print(f"{name}: transformers {total:,}, ours {known.parameters:,}")
    return int(wrong)


def _check_adapters(name: str, values: dict[str, Any]) -> tuple[int, int]:
    wrong = compared = 0
    for adapter in ADAPTERS:
        model, two_layers = _build(values, layers=2)
        known = from_config(two_layers, name, prequantized=False)
        try:
            ours = trainable_parameters(known, Adapter(r=8, **adapter))
        except Unknown as reason:
            print(f"  {name} {adapter}: not counted ({reason})")
            continue
        try:
            adapted = peft.get_peft_model(model, peft.LoraConfig(r=8, **adapter))
        except ValueError as refusal:
            print(f"  {name} {adapter}: ours {ours:,}, PEFT refuses: {str(refusal)[:80]}")
            wrong += 1
            continue
        theirs, _ = adapted.get_nb_trainable_parameters()
        compared += 1
        if ours != theirs:
            print(f"  {name} {adapter}: PEFT {theirs:,}, ours {ours:,}")
            wrong += 1
    return wrong, compared


def main() -> None:
    """Compare; the exit status is 1 if anything differs."""
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    configs = json.loads(content("facts/model/models.json"))["configs"]
    wrong = sum(_check_shape(name, entry["values"]) for name, entry in configs.items())
    print(f"{len(configs)} models built, {wrong} differ")
    families = {
        entry["values"]["model_type"]: name
        for name, entry in configs.items()
        if {"num_hidden_layers", "n_layer"} & entry["values"].keys()
        and not {"layer_types", "layers_block_type", "vision_config"} & entry["values"].keys()
    }
    results = [_check_adapters(name, configs[name]["values"]) for name in families.values()]
    bad, compared = (sum(column) for column in zip(*results, strict=True))
    print(f"{len(families)} families, {compared} adapters compared, {bad} differ")
    sys.exit(1 if wrong or bad else 0)


if __name__ == "__main__":
    main()
