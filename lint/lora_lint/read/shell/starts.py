"""The commands of a shell script that start programs of the repository, with their options.

``python train.py --lora_r 64``, ``torchrun … train.py``, ``accelerate launch train.py``,
``deepspeed train.py``, ``uv run train.py``, ``python -m pkg.train``: what comes before the program
is the launcher's, what follows is the program's. The program's path must stand there in full: a
variable that the script does not set could be any folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_lint.read.shell.commands import Flag, flags_and_positional
from lora_lint.read.shell.scan import Scanner
from lora_lint.read.shell.variables import Text, Variables
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Span

_RUNNERS = ("python", "torchrun", "accelerate", "deepspeed", "uv", "poetry", "pdm", "pipenv", "rye")
"""How the word begins that starts a Python program, without its folder."""
_OF_PYTHON = ("torch.", "accelerate.", "deepspeed.")
"""Modules after ``-m`` that start another program."""


class Start(NamedTuple):
    """A command that starts a program."""

    program: str
    """The path or, after ``-m``, the dotted name, as it is written."""
    is_module: bool
    folder: str | None
    """The folder that the script has changed into, from where it was started; empty: into none.
    ``None`` if that is not known."""
    span: Span
    """The program's word."""
    options: Mapping[str, Flag]
    """By name, as argparse would make an attribute of it; of several the last, which counts."""
    positional: tuple[Text, ...]
    is_open: bool
    """Whether it is given more that is not known: ``"$@"``, a variable set elsewhere."""


def starts(text: str, path: str) -> Iterator[Start]:
    """The commands of a script that start Python programs.

    Args:
        text: the script.
        path: its file, for the places.
    """
    variables = Variables()
    folder: str | None = ""
    for words in Scanner(text).scan():
        taken = variables.take(words)
        if taken and taken[0].literal == "cd":
            folder = _changed(folder, taken[1:])
            continue
        found = _start(taken, folder, path)
        if found is not None:
            yield found


def _changed(folder: str | None, words: list[Text]) -> str | None:
    to = words[0].literal if len(words) == 1 else ""
    if folder is None or not to or to.startswith(("-", "~")):
        return None
    return to if to.startswith("/") or not folder else f"{folder}/{to}"


def _start(words: list[Text], folder: str | None, path: str) -> Start | None:
    texts = [word.literal for word in words]
    for at, text in enumerate(texts):
        before = texts[:at]
        is_module = bool(before) and before[-1] == "-m" and not text.startswith(_OF_PYTHON)
        if not (is_module or text.endswith(".py")) or not (_runs(before) or text.startswith("./")):
            continue
        flags, positional = flags_and_positional(words[at + 1 :])
        known = tuple(word for word in positional if word.candidates)
        span = words[at].span._replace(path=path)
        options = {flag.name: flag for flag in flags}
        is_open = len(known) < len(positional)
        return Start(text, is_module, folder, span, options, known, is_open)
    return None


def _runs(before: list[str]) -> bool:
    return any(text.rpartition("/")[2].startswith(_RUNNERS) for text in before)
