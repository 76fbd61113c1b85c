"""``lora-lint config``: the settings in force here, and the JSON Schema of all that there are."""

from __future__ import annotations

import argparse
import json
import os
import sys

from lora_lint.engine.config import (
    DECLARATIONS,
    KEYS,
    PROFILE_NAMES,
    SEVERITIES,
    Config,
    for_folder,
)
from lora_lint.engine.run import CLEAN
from lora_rules.engine._startup.typed import Any

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DESCRIPTIONS = {
    "select": "The rules that run: codes, prefixes, names, or ALL.",
    "extend-select": "Rules that run beside those of select.",
    "ignore": "Rules that do not run.",
    "exclude": "Patterns of files and folders to leave out.",
    "plugins": "Entry points with rules of your own, or files, which --plugin-file loads.",
    "baseline": "The file that counts the findings to say nothing of.",
    "force-exclude": "Leave excluded files out also where they are named.",
    "pedantic": "Also tell what holds for only some of the values that a setting may have.",
    "follow": "Follow names into other files of the repository.",
    "fail-on": "Exit with 1 for findings from this severity on.",
    "min-severity": "Show findings from this severity on.",
    "per-file-ignores": "Rules that do not run on files that a pattern fits.",
    "rules": "The options of rules, by name or code.",
    "dialect": "The dialect to read files in: one for all, or by pattern.",
    "profile": "A set of rules and options for a kind of work (lora-lint rules --help).",
    "gpu": 'The GPU of the runs, for example "RTX 4090" or "A100 80GB".',
    "gpu-count": "How many GPUs a run has.",
    "train-rows": "How many training examples there are.",
    "model": "The base model, where a file does not name it.",
    "serve": "What will serve the adapter, for example vllm.",
    "task": "What the adapter is for, for example classification.",
}


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="lora-lint config", description="Print the settings in force in a folder, as JSON."
    )
    parser.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="(default: .)")
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of all settings instead"
    )
    return parser


def main(arguments: list[str]) -> int:
    """Run the command; the answer is the exit code."""
    options = parser().parse_args(arguments)
    content = schema() if options.schema else _in_force(for_folder(options.folder))
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    return CLEAN


def _in_force(config: Config) -> dict[str, Any]:
    from lora_lint.report.jsonable import jsonable

    names = {setting: key for key, (setting, _kind) in DECLARATIONS.items()}
    said: dict[str, Any] = {}
    for name, value in config._asdict().items():
        if name == "declared":
            said |= {names[setting]: jsonable(each) for setting, each in value.items()}
        elif name in ("root", "origin"):
            said[name] = os.path.abspath(value) if value else None
        else:
            said[name.replace("_", "-")] = jsonable(dict(value) if name in _TABLES else value)
    return said


_TABLES = ("per_file_ignores", "dialects", "rules")


def schema() -> dict[str, Any]:
    """The JSON Schema of ``lora-lint.toml`` and of ``[tool.lora-lint]``."""
    return {
        "$schema": DRAFT,
        "title": "lora-lint",
        "description": "The settings of lora-lint: lora-lint.toml, or [tool.lora-lint].",
        "type": "object",
        "properties": {key: _property(key) for key in KEYS},
        "additionalProperties": False,
    }


def _property(key: str) -> dict[str, Any]:
    return {"description": _DESCRIPTIONS[key], **_kind(key)}


_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}


def _kind(key: str) -> dict[str, Any]:
    if key in ("select", "extend-select", "ignore", "exclude", "plugins"):
        return _TEXTS
    if key in ("force-exclude", "pedantic", "follow"):
        return {"type": "boolean"}
    if key in ("fail-on", "min-severity"):
        return {"enum": list(SEVERITIES)}
    if key == "per-file-ignores":
        return {"type": "object", "additionalProperties": _TEXTS}
    if key == "rules":
        return _rules()
    if key == "profile":
        return {"enum": list(PROFILE_NAMES)}
    if key == "dialect":
        from lora_lint.translate.framework import names

        one = {"enum": list(names())}
        return {"anyOf": [one, {"type": "object", "additionalProperties": one}]}
    if key in DECLARATIONS and DECLARATIONS[key][1] is int:
        return {"type": "integer", "minimum": 1}
    return {"type": "string", "minLength": 1}


def _rules() -> dict[str, Any]:
    """A table for each rule that has options, under its name and under its code."""
    from lora_rules.engine.registry import all_rules

    properties: dict[str, Any] = {}
    for rule in all_rules().values():
        if not rule.options:
            continue
        options: dict[str, Any] = {}
        for name, default in rule.options.items():
            options[name.replace("_", "-")] = options[name] = _option(default)
        table = {
            "type": "object",
            "description": rule.summary,
            "properties": options,
            "additionalProperties": False,
        }
        properties[rule.name] = properties[rule.code] = table
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _option(default: object) -> dict[str, Any]:
    if isinstance(default, tuple):
        return {**_TEXTS, "default": list(default)}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(default)], "default": default}
