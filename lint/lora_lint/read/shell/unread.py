"""Commands that have to do with fine-tuning and are not read: a report names them."""

from __future__ import annotations

from lora_lint.read.shell.commands import Command
from lora_lint.read.shell.variables import Text

_SUBCOMMANDS = {
    "llamafactory-cli": ("webui",),
    "lmf": ("webui",),
    "megatron": ("export", "pt", "rlhf", "sft"),
    "tune": ("run",),
    "axolotl": ("evaluate", "inference", "merge-sharded-fsdp-weights"),
    "mlx_lm": ("fuse", "generate"),
    "litgpt": ("merge_lora",),
    "xtuner": ("train",),
}
"""Programs with the subcommands that use an adapter or train one, and that we do not read."""
_SERVERS = {"vllm": ("serve", "--enable-lora")}
"""Programs, the subcommand and the flag with which they load adapters."""
_MODULES = frozenset({"mlx_lm.fuse", "mlx_lm.generate", "torchtune", "axolotl.cli.merge_lora"})


def unread(words: list[Text]) -> str:
    """The name of the program and subcommand, if a command is one of these; else empty."""
    texts = [word.literal for word in words]
    for at, text in enumerate(texts):
        if text.startswith("-"):
            continue
        name = text.rpartition("/")[2]
        following = texts[at + 1] if at + 1 < len(texts) else ""
        if following in _SUBCOMMANDS.get(name, ()):
            return f"{name} {following}"
        server = _SERVERS.get(name)
        if server is not None and following == server[0] and _has(texts, server[1]):
            return f"{name} {following} {server[1]}"
        if name in _MODULES:
            return name
    return ""


def _has(texts: list[str], flag: str) -> bool:
    return flag in texts or flag.replace("-", "_").replace("__", "--", 1) in texts


def options_unread(started: Command) -> str:
    """The name of a program with options about LoRA, of which no recipe was made; else empty.

    The settings of such a program are its own, or stand in a file that its options overrule.
    """
    if not any("lora" in flag.name.lower() for flag in started.flags):
        return ""
    if started.dialect != "generic":
        if not started.has_config_file:
            return ""
        words = (*started.launcher[-1:], started.program)
        return " ".join(word.literal.rpartition("/")[2] for word in words)
    scripts = (
        text
        for word in (started.program, *started.positional)
        if (text := word.literal).endswith(".py")
    )
    return next(scripts, "").rpartition("/")[2]
