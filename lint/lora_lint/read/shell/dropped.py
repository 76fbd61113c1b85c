"""Options that a shell takes for commands, because the command above them ended too early."""

from __future__ import annotations

from collections.abc import Sequence

from lora_lint.read.shell.scan import WHY, End, Word
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Origin, Setting

_OPTION = lazily(r"--?[A-Za-z][\w.-]*(?:=.*)?")


class Dropped(NamedTuple):
    """What stands below the end of a command, and was meant for it."""

    end: End
    words: tuple[Word, ...]
    commands: int
    """How many commands the shell takes them for."""

    @property
    def setting(self) -> Setting:
        """The options for a rule, at the place where the command ends, and why it ends."""
        options = [_name(word) for word in self.words if _is_option(word)]
        return Setting(
            "dropped_options",
            (options,),
            Origin.DERIVED,
            options[0],
            span=self.end.span,
            key_span=self.words[0].span,
            source=WHY[self.end.why],
        )


def dropped(
    number: int, commands: Sequence[Sequence[Word]], ends: Sequence[End | None]
) -> Dropped | None:
    """The options below a command: no program's name begins like one.

    Args:
        number: the command's.
        commands: all of the script.
        ends: why each ends.
    """
    end = ends[number]
    if end is None or _is_option(commands[number][0]):
        return None
    words: list[Word] = []
    at = number + 1
    while at < len(commands) and _is_option(commands[at][0]):
        words += commands[at]
        at += 1
        if ends[at - 1] is None:
            break
    return Dropped(end, tuple(words), at - number - 1) if words else None


def _is_option(word: Word) -> bool:
    return bool(_OPTION.match(word.start)) and word.start.startswith("--")


def _name(word: Word) -> str:
    return word.start.partition("=")[0]
