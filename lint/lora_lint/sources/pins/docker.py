"""Dockerfiles. What one installs counts for the programs that it copies or starts."""

from __future__ import annotations

import os

from lora_lint.sources.pins.requirement import Requirement, mentions
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple

_INSTRUCTION = lazily(r"\s*(RUN|ENV|ARG|COPY|ADD|CMD|ENTRYPOINT)\s+(.*)", 2)  # re.IGNORECASE
_FLAGS = lazily(r"^(?:--[\w-]+(?:=\S+)?\s+)*")
_PAIR = lazily(r"([A-Za-z_]\w*)(?:=|\s+)(\"[^\"]*\"|'[^']*'|\S*)")
_WORD = lazily(r"[^\s\"',\[\]=;&|()]+")

LONGEST = 100_000
"""Characters of one instruction that are looked at for names of files."""


class Dockerfile(NamedTuple):
    """What an image has, and which files it is for."""

    source: str
    requirements: tuple[Requirement, ...]
    words: frozenset[str]
    """What COPY, ADD, CMD and ENTRYPOINT name."""

    def is_for(self, path: str) -> bool:
        """Whether it copies or starts a file, of which this is the path from the Dockerfile."""
        path = path.replace(os.sep, "/")
        if self.words & {".", "./", "/"}:
            return True
        named = {word.removeprefix("./").rstrip("/") for word in self.words}
        folders = path.split("/")
        above = {"/".join(folders[: at + 1]) for at in range(len(folders))}
        return bool(named & {*above, folders[-1]}) or any(
            word.endswith("/" + folders[-1]) for word in named
        )


def read(text: str, source: str) -> Dockerfile | None:
    """What a Dockerfile installs; ``None`` if that is nothing of ours."""
    if not mentions(text):
        return None
    from lora_lint.sources.pins.commands import installed  # few folders have one that matters

    script: list[str] = []
    words: set[str] = set()
    instruction, whole = "", ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            script.append("\\" if instruction else "")  # an instruction goes on after it
            continue
        rest = line
        if not instruction:
            match = _INSTRUCTION.match(line)
            instruction, rest = (match[1].upper(), match[2]) if match else ("", "")
        whole = f"{whole} {rest}" if len(whole) < LONGEST else whole
        script.append(_as_shell(instruction, rest))
        if not line.rstrip().endswith("\\"):
            words.update(_files(instruction, whole))
            instruction, whole = "", ""
    found = installed("\n".join(script), source)
    return Dockerfile(source, tuple(found.values()), frozenset(words)) if found else None


def _files(instruction: str, rest: str) -> list[str]:
    """What an instruction copies from the folder, or starts."""
    words = _WORD.findall(_FLAGS.sub("", rest.replace("\\", " ").lstrip(), count=1))
    if instruction in ("COPY", "ADD"):
        return [] if "--from=" in rest else words[:-1]  # the last is where to
    return words if instruction in ("CMD", "ENTRYPOINT") else []


def _as_shell(instruction: str, rest: str) -> str:
    """An instruction as a line of a script: commands, and the variables that they use."""
    if instruction == "RUN":
        return _FLAGS.sub("", rest, count=1)
    if instruction in ("ENV", "ARG"):
        return "; ".join(f"{name}={value}" for name, value in _PAIR.findall(rest.rstrip("\\")))
    return ""
