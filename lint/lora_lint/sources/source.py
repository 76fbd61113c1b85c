"""A file as it was found: its path, its kind, its bytes."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple

KINDS = {
    ".py": "python",
    ".ipynb": "notebook",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".sh": "shell",
    ".bash": "shell",
}
"""What a file is, by how its name ends."""


class Source(NamedTuple):
    """A file to read."""

    path: str
    """As the user would write it, relative to where the program runs."""
    kind: str
    data: bytes

    @property
    def text(self) -> str:
        """The file's text: UTF-8 with or without a mark, or UTF-16 with one.

        Raises:
            UnicodeDecodeError: if it is neither.
        """
        if self.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.data.decode("utf-16")
        return self.data.decode("utf-8-sig")


def mentions_lora(data: bytes) -> bool:
    """Whether the bytes say "lora" or "peft": the cheap question asked before any parser.

    "peft" alone is enough because TRL and AutoTrain train a LoRA when only ``use_peft`` is set.
    """
    lowered = data.lower()
    if b"peft" in lowered:
        return True
    said = lowered.count(b"lora")
    return said > 0 and said > sum(map(lowered.count, _OTHER_WORDS))


_OTHER_WORDS = (b"colora", b"xplora", b"plorab")
"""Colorama, exploration, deplorable: often all that an ordinary repository says of "lora"."""
