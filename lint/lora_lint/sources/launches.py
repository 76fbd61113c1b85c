"""The commands of shell scripts beside a program that start it, and in how many processes."""

from __future__ import annotations

import os
import re

from lora_lint.read.shell.commands import flags_of
from lora_lint.read.shell.gpus import launched
from lora_lint.read.shell.scan import Scanner
from lora_lint.read.shell.variables import Text, Variables
from lora_lint.sources.files import Files
from lora_rules.engine._startup.record import lazily
from lora_rules.repository import Launch

MOST_SCRIPTS = 50
MAX_BYTES = 100_000
"""A larger shell script starts no program: it holds data."""

_PROGRAMS = frozenset({"python", "python3", "accelerate", "torchrun", "deepspeed"})
_MODULES = frozenset({"torch.distributed.run", "torch.distributed.launch"})
_FIELD = lazily(r"^\s*(num_processes|zero_stage):\s*(\d+)\s*(?:#.*)?$", re.MULTILINE)
"""What is taken of a configuration of Accelerate's, which it writes as flat YAML."""


def launches_of(path: str, files: Files) -> tuple[Launch, ...]:
    """The commands that certainly start a program, in the shell scripts of its folder.

    Args:
        path: of the program.
        files: remembers what is looked for.
    """
    folder, name = os.path.split(path)
    try:
        names = sorted(os.listdir(files.note(folder or ".")))
    except OSError:
        return ()
    scripts = [each for each in names if each.endswith(".sh")][:MOST_SCRIPTS]
    return tuple(launch for script in scripts for launch in _in_script(folder, script, name, files))


def _in_script(folder: str, script: str, name: str, files: Files) -> list[Launch]:
    try:
        text = files.text(os.path.join(folder, script), MAX_BYTES)
    except (OSError, UnicodeDecodeError):
        return []
    if text is None or name not in text:
        return []
    variables = Variables()
    found = [
        _launch([word.literal for word in taken], taken, folder, script, name, files)
        for taken in map(variables.take, Scanner(text, None).scan())
    ]
    return [launch for launch in found if launch is not None]


def _launch(
    texts: list[str], words: list[Text], folder: str, script: str, name: str, files: Files
) -> Launch | None:
    end = next((at for at, text in enumerate(texts) if _last(text) == name), None)
    if end is None or texts[end] not in (name, f"./{name}"):
        return None
    before = [_last(text) for text in texts[:end]]
    launcher = next((text for text in before if text in _MODULES), "") or (before or [""])[0]
    if launcher not in _PROGRAMS and launcher not in _MODULES:
        return None
    line = words[0].span.line
    if launcher in ("python", "python3"):
        return Launch(script, line, 1)
    gpus = launched(launcher, tuple(words[:end]))
    processes = gpus.number if gpus is not None else 0
    stage = 0
    given = {flag.name: flag.values for flag in flags_of(words[:end])}
    if launcher == "accelerate" and given.get("config_file"):
        fields = _configuration(folder, given["config_file"][0].literal, files)
        processes = processes or fields.get("num_processes", 0)
        stage = fields.get("zero_stage", 0)
    if launcher == "accelerate" and given.get("zero_stage"):
        own = given["zero_stage"][0].literal
        stage = int(own) if own in ("0", "1", "2", "3") else 0
    return Launch(script, line, processes, stage)


def _configuration(folder: str, path: str, files: Files) -> dict[str, int]:
    try:
        text = files.text(os.path.join(folder, path), MAX_BYTES) if path else None
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: int(value) for name, value in _FIELD.findall(text or "")}


def _last(path: str) -> str:
    return path.rpartition("/")[2]
