"""Coverage-guided fuzzing of every reader, with atheris (`pip install atheris` first).

    PYTHONPATH=rules:lint python tools/fuzz.py KIND [CORPUS_FOLDER] [-max_total_time=600] [...]

KIND is python, notebook, yaml, json or shell. The file that libFuzzer invents is linted with a GPU
declared. Nothing may raise, and no file may take more than ten seconds or two gigabytes. What it
finds becomes a test in ``tests/test_hard_input.py``. Without a corpus it starts from the examples
of the rules' pages.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import shlex
import sys
import tempfile

import atheris
import yaml

PARTS = ("read", "translate")
"""What of the linter reads files."""

with atheris.instrument_imports(include=["lora_lint", "lora_rules"]):
    import lora_lint
    import lora_rules
    from lora_lint.engine.check import check
    from lora_lint.engine.config import Config
    from lora_lint.sources.source import KINDS, Source
    from lora_rules.engine.registry import all_rules

    # Readers, rules and facts are imported when they are needed: too late to be seen from inside.
    for package, parts in ((lora_rules, ("",)), (lora_lint, PARTS)):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.split(".")[1].startswith(parts):
                importlib.import_module(found.name)

LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=4096")
ENDINGS = {kind: ending for ending, kind in KINDS.items()}


def seeds(kind: str) -> list[str]:
    """The examples in the rules' pages: notebooks of the Python, JSON and commands of the YAML."""
    if kind == "notebook":
        return [_notebook(text) for text in seeds("python")]
    if kind == "json":
        return [json.dumps(yaml.safe_load(text), default=str) for text in seeds("yaml")]
    if kind == "shell":
        return [_command(yaml.safe_load(text)) for text in seeds("yaml")]
    pages = "\n".join(rule.page for rule in all_rules().values())
    return re.findall(rf"^```{kind}\n(.*?)^```", pages, flags=re.MULTILINE | re.DOTALL)


def _notebook(source: str) -> str:
    cell = {"cell_type": "code", "source": source.splitlines(keepends=True), "metadata": {}}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _command(settings: dict[str, object]) -> str:
    """The settings as flags of ms-swift, whose names are close to everybody's."""
    flags = (f" \\\n    --{key} {shlex.quote(str(value))}" for key, value in settings.items())
    return f"swift sft{''.join(flags)}\n"


def seed_folder(kind: str) -> str:
    """A folder with the seeds as files."""
    folder = tempfile.mkdtemp(prefix=f"fuzz-{kind}-")
    for number, text in enumerate(seeds(kind)):
        with open(os.path.join(folder, str(number)), "w") as file:
            file.write(text)
    return folder


def main() -> None:
    """Fuzz one reader until the time is up or something breaks."""
    kind = sys.argv[1]
    if kind not in ENDINGS:
        sys.exit(f"{kind} is not one of {', '.join(ENDINGS)}")
    rest = sys.argv[2:]
    folders = [word for word in rest if not word.startswith("-")] or [seed_folder(kind)]
    options = [*LIMITS, *(word for word in rest if word.startswith("-"))]

    def lint(data: bytes) -> None:
        check(Source(f"fuzzed{ENDINGS[kind]}", kind, data), Config(), {"gpu": "T4"})

    atheris.Setup([sys.argv[0], *options, *folders], lint)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
