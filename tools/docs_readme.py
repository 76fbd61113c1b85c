"""What the README shows of the program: a picture, a session, and the table of rules."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lora_lint.cli.explain import rules_markdown
from lora_lint.cli.main import main
from lora_lint.translate import framework
from lora_rules.engine.registry import all_rules

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
OURS = ("generic", "peft-adapter-json", "lora-launch")
"""Formats that no framework brings, which the text names."""
PICTURE = "lora-lint examples/broken/train.py"
SESSION = (
    "lora-lint init",
    "lora-lint",
    "lora-lint --fix --unsafe-fixes --diff",
    "lora-lint --fix --unsafe-fixes",
)
"""Run one after the other in a repository that holds ``examples/session/llama.yaml``."""


def readme() -> str:
    """The README with what the program prints today."""
    text = counted(README.read_text())
    text = _replaced(text, PICTURE, f"$ {PICTURE}\n{_printed(PICTURE, ROOT)}")
    text = _replaced(text, SESSION[0], "\n".join(_session()))
    text = re.sub(r"\| YAML, JSON, TOML \|.*\n", lambda _: f"{_formats()}\n", text)
    table = rules_markdown(all_rules().values())
    return re.sub(r"\| code \| name \|.*?\n(?!\|)", lambda _: table, text, flags=re.DOTALL)


def counted(text: str) -> str:
    """The text with today's number of frameworks."""
    number = len(framework.names()) - 1  # "generic" is anybody's file
    return re.sub(r"(?<=YAML, JSON and TOML of )\d+(?= frameworks)", str(number), text)


def _formats() -> str:
    """The row of the frameworks whose files are read."""
    labels = {framework.load(name).framework for name in framework.names() if name not in OURS}
    listed = ", ".join(sorted(labels, key=str.lower))
    return (
        f"| YAML, JSON, TOML | {listed}, `adapter_config.json`, our own format, and blocks of"
        " PEFT's names in anybody's file |"
    )


def _replaced(text: str, command: str, shown: str) -> str:
    """The text with another block in the place of the one that begins with a command."""
    block = rf"```console\n\$ {re.escape(command)}\n.*?```\n"
    return re.sub(block, lambda _: f"```console\n{shown}```\n", text, count=1, flags=re.DOTALL)


def _session() -> Iterator[str]:
    """What the commands of the session print, in a repository made for it."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "tickets"
        shutil.copytree(ROOT / "examples" / "session", repository / "configs")
        subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
        for command in SESSION:
            yield f"$ {command}\n{_printed(command, repository)}"


def _printed(command: str, folder: Path) -> str:
    """What a command prints to a file, on both streams in their order."""
    out = io.StringIO()
    arguments = command.split()[1:]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        main([*arguments, "--no-cache"] if "init" not in arguments else arguments)
    return out.getvalue()
