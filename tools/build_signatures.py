"""Writes ``rules/lora_rules/libraries/<name>/signatures.json``: what each callee accepts.

Downloads the wheels below from PyPI, reads them with ``ast`` and runs none of them.

    python tools/build_signatures.py [--wheels FOLDER] [--only LIBRARY]

A table, for each callee:

* ``versions``: the versions read, oldest first; every number below is an index into it;
* ``parent``: the callee of another package whose fields it inherits (``None``: it stands alone);
* ``open``: it also takes ``**kwargs``, so an unknown keyword cannot be judged;
* ``fields``: name -> ``[presence, defaults]``. Presence lists where the field begins, ends, begins
  again, …; defaults lists ``[index, literal]`` for each change (``[index]``: not a literal);
* ``positional``: the names of its first positional arguments, as far as all versions agree;
* ``choices``: name -> the strings that the source lists as allowed, each with the versions that
  list it, as presence.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import takewhile
from pathlib import Path

import options_of_programs as programs
from components_of_torchtune import components
from read_signature import (
    NOT_LITERAL,
    Signature,
    compared_strings,
    enum_values,
    read_class,
    read_function,
    read_method,
)
from wheel_source import Wheel, download

TARGET = Path(__file__).parent.parent / "rules/lora_rules/libraries"
FILE = "signatures.json"
ARGUMENTS = frozenset({"torchtune", "torch", *programs.DISTRIBUTIONS})
"""Whose arguments are no settings of ours: the file is called so."""

VERSIONS = {
    "peft": "0.3.0 0.4.0 0.5.0 0.6.0 0.7.0 0.8.0 0.9.0 0.10.0 0.11.0 0.12.0 0.13.0 0.14.0 0.15.0"
    " 0.16.0 0.17.0 0.18.0 0.19.0 0.20.0 0.21.0 0.21.2",
    "transformers": "4.30.0 4.31.0 4.32.0 4.33.0 4.34.0 4.35.0 4.36.0 4.37.0 4.38.0 4.39.0 4.40.0"
    " 4.41.0 4.42.0 4.43.0 4.44.0 4.45.0 4.46.1 4.47.0 4.48.0 4.49.0 4.50.0 4.51.0 4.52.1 4.53.0"
    " 4.54.0 4.55.0 4.56.0 4.57.1 5.0.0 5.1.0 5.2.0 5.3.0 5.4.0 5.5.0 5.6.0 5.7.0 5.8.0 5.9.0"
    " 5.10.1 5.11.0 5.12.0 5.13.0 5.14.0 5.15.0 5.16.0 5.17.0 5.18.0 5.19.0 5.20.0 5.21.0 5.22.0"
    " 5.23.0 5.24.0",
    "trl": "0.4.2 0.5.0 0.6.0 0.7.1 0.8.1 0.9.2 0.10.1 0.11.0 0.12.0 0.13.0 0.14.0 0.15.0"
    " 0.16.0 0.17.0 0.18.0 0.19.0 0.20.0 0.21.0 0.22.0 0.23.0 0.24.0 0.25.0 0.26.0 0.27.0"
    " 0.28.0 0.29.0 1.0.0 1.1.0 1.2.0 1.3.0 1.4.0 1.5.0 1.6.0 1.7.0 1.8.0"
    " 1.9.0 1.10.0 1.11.0 1.12.0 1.13.0 1.14.0 1.15.0 1.16.0",
    "unsloth": "2024.8 2024.12.12 2025.3.19 2025.6.12 2025.9.11 2025.12.10 2026.3.18 2026.6.9"
    " 2026.10.9",
    "torchtune": "0.0.1 0.1.0 0.2.0 0.3.0 0.4.0 0.5.0 0.6.0 0.6.1 0.7.0.dev0",
    "torch": "2.13.0",
    "verl": "0.2 0.3.0.post1 0.4.1 0.5.0 0.6.1 0.7.1 0.8.0 0.9.1",
    "tinker": "0.1.0 0.5.0 0.10.0 0.20.0 0.30.0 0.38.0",
    "together": "2.10.0 2.20.0 2.30.0 3.1.1",
    "fireworks": "1.2.0 1.2.10 1.2.20 1.2.30",
    "openrlhf": "0.3.8 0.4.6 0.5.9.post1 0.6.4 0.7.5 0.8.11 0.9.10 0.10.1 0.10.2 0.11.2",
    "swift": "2.0.0 2.2.0 2.4.0 2.6.0 2.6.1 3.0.0 3.1.0 3.2.0 3.3.0 3.4.0 3.5.0 3.6.0 3.7.0 3.8.0"
    " 3.9.0 3.10.0 3.11.0 3.12.0 4.0.0 4.1.0 4.2.0 4.3.0 4.4.0 4.5.0 4.6.0",
    "autotrain": "0.6.0 0.6.40 0.7.0 0.7.60 0.7.100 0.7.129 0.8.0 0.8.10 0.8.20 0.8.36",
    "axolotl": "0.19.0",
    "litgpt": "0.2.0 0.3.0 0.4.0 0.4.3 0.4.6 0.4.9 0.4.11 0.4.13 0.5.0 0.5.3 0.5.5 0.5.7 0.5.9"
    " 0.5.10 0.5.11 0.5.12 0.5.13",
    "llamafactory": "0.7.1 0.8.0 0.8.1 0.8.2 0.8.3 0.9.0 0.9.1 0.9.2 0.9.3 0.9.4 0.9.5 0.9.6.dev0",
    "ludwig": "0.12.0 0.13.0 0.14.1 0.15.1 0.16.2 0.17.10",
    "nemo_automodel": "0.1.0 0.2.0 0.3.0 0.4.0 0.5.0 0.6.0 0.7.0",
    "oumi": "0.1.3 0.1.7 0.1.11 0.1.14 0.2.0 0.3.0 0.4.0 0.5.0 0.6.0 0.7 0.8 0.9",
}
"""The first release on PyPI of every minor version, and the newest (November 2026); of unsloth,
which has no minor versions, a sample. The last of torchtune and of llamafactory is the development
version, which many of their recipes are for: their repositories at bd2a0fc and ff6d4d1, as
``git archive --format=zip`` packs the package, in the folder of the wheels. torch is taken from
where it is installed. ludwig has no wheels before 0.12."""

_METHODS = ["SFT", "DPO", "GRPO", "KTO", "Reward", "ORPO", "CPO", "RLOO", "PPO", "OnlineDPO", "GKD"]
_METHODS += ["BCO", "XPO", "NashMD", "PRM", "Distillation"]
SCRIPT_ARGUMENTS = ("ScriptArguments", "GRPOScriptArguments", "DatasetMixtureConfig")
"""What TRL's scripts take beside a configuration and ``ModelConfig``; not all are exported."""
CALLEES = {
    "peft": [
        "LoraConfig",
        "AdaLoraConfig",
        "get_peft_model",
        "prepare_model_for_kbit_training",
        "PeftModel.from_pretrained",
    ],
    "transformers": [
        "TrainingArguments",
        "Seq2SeqTrainingArguments",
        "BitsAndBytesConfig",
        "Trainer",
        "Seq2SeqTrainer",
        "DataCollatorForLanguageModeling",
    ],
    "trl": [
        *(f"{method}{kind}" for method in _METHODS for kind in ("Config", "Trainer")),
        "ModelConfig",
        *SCRIPT_ARGUMENTS,
    ],
    "unsloth": [
        f"{owner}.{method}"
        for owner in ("FastLanguageModel", "FastModel", "FastVisionModel")
        for method in ("from_pretrained", "get_peft_model")
    ],
    "tinker": ["ServiceClient.create_lora_training_client"],
    "together": ["FineTuningResource.create"],
    "fireworks": ["SupervisedFineTuningJobsResource.create"],
    "torchtune": [],
    "torch": [],
    **{package: programs.callees(package) for package in programs.DISTRIBUTIONS},
}
"""What is read; of torchtune and of torch.optim everything that a configuration can name."""


def _read_all(wheel: Wheel, callees: list[str]) -> dict[str, Signature]:
    """The signatures of a wheel, of those callees that it has."""
    if wheel.package in ("torchtune", "torch"):
        return components(wheel)
    read = programs.read if wheel.package in programs.DISTRIBUTIONS else _read
    found = {callee: read(wheel, callee) for callee in callees}
    return {callee: signature for callee, signature in found.items() if signature is not None}


def _read(wheel: Wheel, callee: str) -> Signature | None:
    owner, _, method = callee.partition(".")
    if method:
        return read_method(wheel, owner, method)
    if not owner[0].isupper():
        return read_function(wheel, owner)
    public = wheel.exports(owner) or wheel.is_experimental(owner) or owner in SCRIPT_ARGUMENTS
    if not public:
        return None
    signature = read_class(wheel, owner)
    if signature and "task_type" in signature.fields:
        signature.choices["task_type"] = enum_values(wheel, "TaskType")
        _add_initializations(wheel, signature)
    return signature


def _add_initializations(wheel: Wheel, signature: Signature) -> None:
    """The layer accepts initializations that the annotation does not list (``lora_ga``)."""
    file = "peft/tuners/lora/layer.py"
    if wheel.has(file):
        listed = signature.choices.setdefault("init_lora_weights", [])
        accepted = compared_strings(wheel, file, "init_lora_weights")
        listed += sorted(set(accepted) - set(listed))


def presence(there: list[bool]) -> list[int]:
    """Where it begins, ends, begins again, as indices of a list that says where it is there."""
    marks: list[int] = []
    for index, now in enumerate(there):
        if now != bool(len(marks) % 2):
            marks.append(index)
    return marks


def _defaults(read: list[Signature], name: str) -> list[list[object]]:
    changes: list[list[object]] = []
    last: object = changes
    for index, signature in enumerate(read):
        if name not in signature.fields:
            continue
        value = signature.fields[name]
        if changes and type(value) is type(last) and value == last:
            continue
        changes.append([index] if value is NOT_LITERAL else [index, value])
        last = value
    return changes


def _choices(read: list[Signature]) -> dict[str, dict[str, list[int]]]:
    """Field -> allowed string -> where it is listed."""
    names = {name for signature in read for name in signature.choices}
    table: dict[str, dict[str, list[int]]] = {}
    for name in sorted(names):
        listed = [signature.choices.get(name, []) for signature in read]
        every = dict.fromkeys(value for values in listed for value in values)
        table[name] = {value: presence([value in values for values in listed]) for value in every}
    return table


def _shared_beginning(lists: list[list[str]]) -> list[str]:
    """What all lists begin with."""
    columns = zip(*lists, strict=False)
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]


def _entry(versions: list[str], read: list[Signature]) -> dict[str, object]:
    names = sorted({name for signature in read for name in signature.fields})
    return {
        "versions": versions,
        "parent": read[-1].parent,
        "open": any(one.open for one in read[-2 if ".dev" in versions[-1] else -1 :]),
        "positional": _shared_beginning([one.positional for one in read]),
        "fields": {
            name: [presence([name in one.fields for one in read]), _defaults(read, name)]
            for name in names
        },
        "choices": _choices(read),
    }


def build(package: str, folder: Path) -> dict[str, dict[str, object]]:
    """The table of a library."""
    distribution = {**programs.DISTRIBUTIONS, "fireworks": "fireworks-ai"}.get(package, package)
    read: dict[str, list[tuple[str, Signature]]] = {callee: [] for callee in CALLEES[package]}
    for version in VERSIONS[package].split():
        wheel = Wheel(download(distribution, version, folder), package)
        for callee, signature in _read_all(wheel, CALLEES[package]).items():
            read.setdefault(callee, []).append((version, signature))
    table: dict[str, dict[str, object]] = {}
    for callee, found in read.items():
        versions = [version for version, _ in found]
        table[f"{package}.{callee}"] = _entry(versions, [one for _, one in found])
        print(f"{package}.{callee}: {len(found)} versions, {versions[0]} to {versions[-1]}")
    return table


def main() -> None:
    """Build and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="keep the wheels in this folder")
    parser.add_argument("--only", choices=tuple(CALLEES), help="write the table of one library")
    options = parser.parse_args()
    folder = options.wheels or Path(tempfile.mkdtemp())
    for library in [options.only] if options.only else CALLEES:
        table = build(library, folder)
        rows = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in table.items()]
        text = "{\n" + ",\n".join(rows) + "\n}\n"  # as lora_rules.engine.packaged reads it
        target = TARGET / library / ("arguments.json" if library in ARGUMENTS else FILE)
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(f"{target}: {len(text)} bytes")


if __name__ == "__main__":
    main()
