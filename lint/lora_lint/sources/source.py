"""A file as it was found: its path, its kind, its bytes."""

from __future__ import annotations

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple

KINDS = {
    ".py": "python",
    ".ipynb": "notebook",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".toml": "toml",
    ".sh": "shell",
    ".bash": "shell",
    ".zsh": "shell",
    ".slurm": "shell",
    ".sbatch": "shell",
}
"""What a file is, by how its name ends."""
PROGRAMS = ("python", "notebook")
"""The kinds of files that import others."""


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_8 = b"\xef\xbb\xbf"
_COOKIE = lazily(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class NotText(ValueError):
    """The bytes are no text in the encoding that they should have."""


class Source(NamedTuple):
    """A file to read."""

    path: str
    """As the user would write it, relative to where the program runs."""
    kind: str
    data: bytes

    @property
    def encoding(self) -> str:
        """The encoding: UTF-16 where a mark says so, what a Python file declares, else UTF-8."""
        if self.data.startswith(_UTF_16):
            return "utf-16"
        if self.kind == "python" and not self.data.startswith(_UTF_8):
            return declared_encoding(self.data) or "utf-8"
        return "utf-8-sig"

    @property
    def text(self) -> str:
        """The file's text.

        Raises:
            NotText: if its bytes are none.
        """
        encoding = self.encoding
        try:
            return self.data.decode(encoding)
        except UnicodeDecodeError as error:
            name = encoding.removesuffix("-sig").upper()
            raise NotText(f"is not {name} text (byte {error.start})") from None
        except (LookupError, ValueError) as error:
            raise NotText(f"is not readable as {encoding!r} text: {error}") from None


def declared_encoding(data: bytes) -> str:
    """What a comment in the first two lines of a Python file says (PEP 263); empty if none does."""
    if b"coding" not in data[:1000]:
        return ""
    for line in data[:1000].splitlines()[:2]:
        cookie = _COOKIE.match(line)
        if cookie:
            return cookie[1].decode("ascii", "replace")
        if line.strip() and not line.lstrip().startswith(b"#"):
            return ""
    return ""


def mentions_lora(data: bytes) -> bool:
    """Whether the bytes say "lora", "peft" or LLaMA-Factory's key of an adapter.

    That is the cheap question asked before any parser. "peft" alone is enough because TRL and
    AutoTrain train a LoRA when only ``use_peft`` is set.
    """
    if data.startswith(_UTF_16):
        data = data.replace(b"\0", b"")  # leaves the letters of ASCII side by side
    lowered = data.lower()
    if b"peft" in lowered or b"adapter_name_or_path" in lowered:
        return True
    said = lowered.count(b"lora")
    return said > 0 and said > sum(map(lowered.count, _OTHER_WORDS))


def concerns_lora(kind: str, data: bytes) -> bool:
    """Whether a file is to be parsed: it says "lora" or "peft", or trains a quantized model."""
    return mentions_lora(data) or (kind in ("python", "notebook") and trains_quantized(data))


def trains_quantized(data: bytes) -> bool:
    """Whether a script may train a quantized model, which needs an adapter that it may lack."""
    return (
        b"from_pretrained" in data
        and (b"Trainer" in data or b".backward(" in data)
        and any(word in data for word in _QUANTIZED)
    )


_QUANTIZED = (b"load_in_4bit", b"load_in_8bit", b"unsloth", b"bnb-", b"-AWQ", b"-GPTQ", b"-FP8")
"""What such a script says, of its loader or in the name of a checkpoint that is stored so."""
_OTHER_WORDS = (
    b"colora",
    b"xplora",
    b"plorab",
    b"flora",
    b"valorant",
    b"chlora",
    b"lorazepam",
    b"loratadin",
    b"loraine",
)
"""Colorama, exploration, deplorable, Florastor: often all that a file says of "lora"."""
