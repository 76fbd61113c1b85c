"""Writes ``rules/lora_rules/facts/model/other_modules.json``: modules that are no linear layers.

    PYTHONPATH=rules python tools/build_other_modules.py [TYPE …] [--output FILE]

The table of architectures has every linear layer and embedding. A target may also name a module
that is neither: PEFT refuses a norm or a whole attention block, and puts another adapter on a
convolution. This table has their paths, so that such an adapter is not counted wrongly. One line a
type: ``held`` are modules with parameters of their own, ``bare`` those without (activations,
dropout), ``routers`` those of fused experts whose weight is experts by hidden size, ``biases`` the
last names of parameters that are biases but are not called ``bias`` (PEFT's ``bias="all"`` passes
them over), ``convs`` those of ``held`` that are convolutions, which PEFT adapts. ``linears`` are
the linear layers and embeddings of a type that the table of architectures lacks, with a comma after
each, so that a search for another module's name does not meet them; ``targets`` are PEFT's default
targets for such a type, likewise. ``{}`` stands for an index,
``~`` for the base model's path. Modules around a linear layer are left out: they follow from its
path. Types that bring their own code are in ``remote_modules.txt``. With types named, only these
are made anew.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import transformers
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS
from torch import nn
from transformers import CONFIG_MAPPING
from transformers.pytorch_utils import Conv1D

from architectures_configs import BuildError, Kind, build
from build_architectures import find_kind, prepare
from lora_rules.facts.model.model_table import model_types

TARGET = Path(__file__).parent.parent / "rules/lora_rules/facts/model/other_modules.json"
REMOTE = Path(__file__).parent / "remote_modules.txt"
GROUPS = ("held", "bare", "routers", "biases", "convs", "linears")
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""What PEFT 0.21.2 adapts (``lora/layer.py``), transposed ones not among them."""
NUMBER = re.compile(r"(?<=\.)\d+(?=\.|$)")


def main() -> None:
    """Build every type small, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("types", nargs="*")
    parser.add_argument("--output", type=Path, default=TARGET)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    entries: dict[str, dict[str, str]] = {}
    if arguments.types and arguments.output.exists():
        entries = json.loads(arguments.output.read_text(encoding="utf-8"))
    for name in arguments.types or sorted(CONFIG_MAPPING):
        try:
            kind = find_kind(name) if name in CONFIG_MAPPING else None
            if kind is not None and kind.classes:
                entries[name] = describe(prepare(kind))
        except (BuildError, ValueError) as problem:
            print(f"{name}: {str(problem)[:120]}", flush=True)
    entries |= dict(remote())
    lines = (
        f"{json.dumps(name)}:{json.dumps(entry, separators=(',', ':'))}"
        for name, entry in sorted(entries.items())
    )
    arguments.output.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{len(entries)} types")


def remote() -> Iterator[tuple[str, dict[str, str]]]:
    """The types of ``remote_modules.txt``."""
    for line in REMOTE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, _, targets, linears, held, bare = line.split("; ")
        entry = {"held": held, "bare": bare, "linears": _listed(linears.split())}
        yield name, entry | ({"targets": _listed([targets])} if targets != "-" else {})


def _listed(names: Iterable[str]) -> str:
    """Names with a comma after each, which a search for another module's name does not meet."""
    return "".join(f"{name}," for name in names)


def describe(kind: Kind) -> dict[str, str]:
    """The entry of a type, over all its classes."""
    found: dict[str, set[str]] = {group: set() for group in GROUPS}
    for task in kind.classes:
        try:
            model = build(kind, task, {})[0]
        except BuildError:
            continue
        base = model.base_model_prefix if hasattr(model, model.base_model_prefix) else ""
        for group, paths in _others(model).items():
            found[group] |= {_pattern(path, base) for path in paths}
        if kind.name not in model_types():
            found["linears"] |= {_pattern(path, base) for path in _adaptable(model)}
        leaves = {name.rpartition(".")[2] for name, _ in model.named_parameters()}
        found["biases"] |= {leaf for leaf in leaves if "bias" in leaf and leaf != "bias"}
    entry = {group: " ".join(sorted(paths)) for group, paths in found.items() if paths}
    if "linears" in entry:
        entry["linears"] = _listed(entry["linears"].split())
        if kind.name in TARGETS:
            entry["targets"] = _listed(TARGETS[kind.name])
    return entry


def _others(model: nn.Module) -> dict[str, set[str]]:
    modules = dict(model.named_modules())
    adaptable = _adaptable(model)
    around = {path[:at] for path in adaptable for at, char in enumerate(path) if char == "."}
    around |= {path for path, module in modules.items() if _experts(module) is not None}
    found: dict[str, set[str]] = {group: set() for group in ("held", "bare", "routers", "convs")}
    for path, module in modules.items():
        if not path or path in adaptable or path in around:
            continue
        if _is_router(path, module, modules):
            found["routers"].add(path)
        if isinstance(module, CONVOLUTIONS):
            found["convs"].add(path)
        found["held" if module._parameters else "bare"].add(path)
    return found


def _adaptable(model: nn.Module) -> set[str]:
    return {
        path
        for path, module in model.named_modules()
        if isinstance(module, (nn.Linear, nn.Embedding, Conv1D))
    }


def _experts(module: nn.Module) -> nn.Parameter | None:
    parameter = module._parameters.get("down_proj")
    return parameter if parameter is not None and parameter.dim() == 3 else None


def _is_router(path: str, module: nn.Module, modules: dict[str, nn.Module]) -> bool:
    """Its weight has a row an expert, beside experts of (count, hidden, inner)."""
    parent, _, name = path.rpartition(".")
    beside = modules.get(f"{parent}.experts")
    down, weight = (
        _experts(beside) if beside is not None else None,
        module._parameters.get("weight"),
    )
    if name != "gate" or down is None or weight is None:
        return False
    return tuple(weight.shape) == tuple(down.shape[:2])


def _pattern(path: str, base: str) -> str:
    inside = base and path.startswith(f"{base}.")
    text = f"~{path[len(base) :]}" if inside else path if base else f"~.{path}"
    return NUMBER.sub("{}", text)


if __name__ == "__main__":
    main()
