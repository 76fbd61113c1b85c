"""The options of programs and the keys of their files, read from the wheels that bring them.

A callee is named after its command: ``swift.export`` is what ``swift export`` takes. Options are
named as the parser stores them: ``lora_rank`` for ``--lora-rank``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import yaml

import keys_of_files
from read_signature import Signature, read_class
from wheel_source import Wheel

DISTRIBUTIONS = {
    "swift": "ms-swift",
    "autotrain": "autotrain-advanced",
    **{name: name for name in ("axolotl", "verl", "openrlhf", *keys_of_files.COMMANDS)},
}
"""What PyPI calls the distribution of a package."""

SWIFT = {
    "sft": ("SftArguments", "TrainArguments"),
    "pt": ("PretrainArguments", "PtArguments", "TrainArguments", "SftArguments"),
    "rlhf": ("RLHFArguments", "DPOArguments"),
    "infer": ("InferArguments",),
    "export": ("ExportArguments",),
    "merge-lora": ("ExportArguments",),
    "deploy": ("DeployArguments",),
    "eval": ("EvalArguments",),
    "app": ("AppArguments", "AppUIArguments"),
    "rollout": ("RolloutArguments",),
    "sample": ("SamplingArguments",),
}
"""Commands of ms-swift, each with the classes whose fields are its options, by version."""
AUTOTRAIN = {"llm": "autotrain/cli/run_llm.py", "LLMTrainingParams": ""}
"""AutoTrain's command and the file of its parser; and the class that ``params:`` of a file is."""
AXOLOTL = ("preprocess", "merge-lora")
"""Commands of axolotl that override keys of their file, and take no other options."""
VERL = {"main_ppo": "ppo", "fsdp_sft_trainer": "sft_trainer.yaml", "sft_trainer": "sft_trainer"}
"""Entry points of verl, and what stands in the names of the configurations that Hydra gives them:
those that verl generates, or wrote in full before 0.5."""
OPENRLHF = ("train_sft", "train_dpo", "train_kto", "train_rm", "train_ppo", "train_ppo_ray")
"""Programs of OpenRLHF: each is a module of its folder ``cli``, with a parser."""
PROGRAMS = {
    "swift": SWIFT,
    "autotrain": AUTOTRAIN,
    "verl": VERL,
    "openrlhf": OPENRLHF,
    "axolotl": AXOLOTL,
    **keys_of_files.COMMANDS,
}


def callees(package: str) -> list[str]:
    """The callees of a package that are read here; none of any other package."""
    return list(PROGRAMS.get(package, ()))


def read(wheel: Wheel, callee: str) -> Signature | None:
    """The options of a program in one version; ``None`` where it has none of that name."""
    readers = {
        "swift": _swift,
        "autotrain": _autotrain,
        "verl": _verl,
        "openrlhf": _openrlhf,
        "axolotl": _axolotl,
    }
    found = readers.get(wheel.package, keys_of_files.read)(wheel, callee)
    if found is not None:
        found.fields = dict.fromkeys(found.fields)  # no default of theirs is asked for
        found.positional = []
    return found


def _swift(wheel: Wheel, command: str) -> Signature | None:
    for name in SWIFT[command]:
        found = read_class(wheel, name)
        if found is not None:
            found.open = False
            return found
    return None


def _verl(wheel: Wheel, entry: str) -> Signature | None:
    """The dotted keys of every configuration that an entry point may be given."""
    if not wheel.has(f"verl/trainer/{entry}.py"):
        return None
    folder = "verl/trainer/config"
    keys: dict[str, object] = {}
    for name in wheel.names(folder):
        if VERL[entry] in name.rpartition("/")[2] and name.endswith(".yaml"):
            content = yaml.safe_load(wheel.text(name))
            keys |= dict.fromkeys(_dotted(content, ""))
            keys |= dict.fromkeys(_composed(wheel, content, folder))
    return Signature(dict(sorted(keys.items()))) if keys else None


def _composed(wheel: Wheel, content: dict[str, object], folder: str) -> Iterator[str]:
    """The keys of everything that ``defaults`` may take in: ``- model@model: hf_model``.

    A command can choose another file of a group, so that all of them count.
    """
    listed = content.get("defaults")
    for entry in listed if isinstance(listed, list) else ():
        for group in entry if isinstance(entry, dict) else ():
            within, _, key = group.partition("@")
            for name in wheel.names(f"{folder}/{within}"):
                if name.endswith(".yaml"):
                    yield key
                    yield from _dotted(yaml.safe_load(wheel.text(name)), f"{key}.")


def _openrlhf(wheel: Wheel, program: str) -> Signature | None:
    """The options of a parser, with the names of the groups that dotted ones stand in."""
    file = f"openrlhf/cli/{program}.py"
    if not wheel.has(file):
        return None
    names = {*_listed(wheel.tree(file)), *_formatted(wheel.tree(file))}
    every = {name[:end] for name in names for end in (*_dots(name), len(name))}
    return Signature(dict.fromkeys(sorted(every)))


def _dots(name: str) -> Iterator[int]:
    return (at for at, letter in enumerate(name) if letter == ".")


def _formatted(tree: ast.Module) -> Iterator[str]:
    """Options of a loop over prefixes: ``f"--{prefix}.optim"``."""
    for loop in ast.walk(tree):
        if not isinstance(loop, ast.For) or not isinstance(loop.iter, ast.Tuple):
            continue
        values = [item.value for item in loop.iter.elts if isinstance(item, ast.Constant)]
        for node in ast.walk(loop):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            if len(parts) == 3 and len(texts) == 2 and texts[0] == "--" and " " not in texts[1]:
                yield from (f"{value}{texts[1]}" for value in values)


def _axolotl(wheel: Wheel, _command: str) -> Signature | None:
    """Keys of its files as options, and what its commands take besides."""
    options = "axolotl/cli/config_options.py"
    if not wheel.has(options):
        return None
    names = {*_listed(wheel.tree(options)), *_listed(wheel.tree("axolotl/cli/main.py"))}
    for node in ast.walk(wheel.tree("axolotl/cli/args.py")):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    names |= {name.rpartition(".")[0] for name in names if "." in name}
    return Signature(dict.fromkeys(sorted(names)))


def _dotted(node: object, prefix: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, inner in node.items():
            yield f"{prefix}{key}"
            yield from _dotted(inner, f"{prefix}{key}.")


def _autotrain(wheel: Wheel, callee: str) -> Signature | None:
    parameters = _parameters(wheel)
    if callee == "LLMTrainingParams":
        return Signature(dict.fromkeys(parameters)) if parameters else None
    if not wheel.has(AUTOTRAIN[callee]):
        return None
    tree = wheel.tree(AUTOTRAIN[callee])
    names = {*_listed(tree)}
    calls = {node.func.id for node in ast.walk(tree) if _calls_by_name(node)}
    if "common_args" in calls:
        names |= {*_listed(wheel.tree("autotrain/cli/utils.py"))}
    if "get_field_info" in calls:
        names |= {*parameters}
    return Signature(dict.fromkeys(sorted(names)))


def _calls_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


def _listed(tree: ast.Module) -> Iterator[str]:
    """The options that stand in a file, each as ``"--name"`` or ``"--name/--no-name"``."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else ""
        if isinstance(text, str) and text.startswith("--") and " " not in text and text != "--":
            yield text.partition("/")[0].lstrip("-").replace("-", "_")


def _parameters(wheel: Wheel) -> list[str]:
    """The fields of the pydantic model of a run."""
    found = wheel.find_class("LLMTrainingParams")
    body = found[1].body if found else []
    return [
        statement.target.id
        for statement in body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]
