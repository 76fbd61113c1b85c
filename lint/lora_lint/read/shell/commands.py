"""Which training program a command line starts, and the flags that it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lora_lint.read.shell.answering import Answering, find, of_module
from lora_lint.read.shell.variables import Text
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple

_FLAG = lazily(r"--?[A-Za-z][\w.-]*")
_OVERRIDE = lazily(r"\+{0,2}([A-Za-z_][\w.]*)=(.*)", re.DOTALL)
_SUBCOMMANDS = {
    ("swift", "sft"): "ms-swift",
    ("swift", "pt"): "ms-swift",
    ("swift", "rlhf"): "ms-swift",
    ("llamafactory-cli", "train"): "llamafactory",
    ("lmf", "train"): "llamafactory",
    **{
        (program, use): "llamafactory-infer"
        for program in ("llamafactory-cli", "lmf")
        for use in ("export", "chat", "api", "webchat", "eval")
    },
    ("trl", "sft"): "trl",
    ("trl", "dpo"): "trl",
    ("trl", "grpo"): "trl",
    ("trl", "kto"): "trl",
    ("trl", "reward"): "trl",
    ("trl", "rloo"): "trl",
    ("mlx_lm", "lora"): "mlx-lm",
    ("tune", "run"): "torchtune",
    ("autotrain", "llm"): "autotrain",
    ("litgpt", "finetune"): "litgpt",
    ("litgpt", "finetune_lora"): "litgpt",
}
"""A program and its first argument, and the dialect of the flags that follow."""
_SCRIPTS = {
    "src/train.py": "llamafactory",
    "src/train_bash.py": "llamafactory",
    "src/export_model.py": "llamafactory-infer",
    "src/cli_demo.py": "llamafactory-infer",
    "swift/cli/sft.py": "ms-swift",
    "trl/scripts/sft.py": "trl",
    "trl/scripts/dpo.py": "trl",
    "trl/scripts/grpo.py": "trl",
    "train_network.py": "sd-scripts",
    "sdxl_train_network.py": "sd-scripts",
    "flux_train_network.py": "sd-scripts",
    "sd3_train_network.py": "sd-scripts",
    "lumina_train_network.py": "sd-scripts",
    "hunyuan_image_train_network.py": "sd-scripts",
    "anima_train_network.py": "sd-scripts",
}
"""The end of a script's path, and its dialect."""
_OF_DIFFUSERS = lazily(r"(?:.*/)?(train_(?:dreambooth|text_to_image)_lora\w*)\.py")
"""diffusers' scripts, one a kind of model."""
_MODULES = {
    "mlx_lm.lora": "mlx-lm",
    "swift.cli.sft": "ms-swift",
    "trl.scripts.sft": "trl",
    "trl.scripts.dpo": "trl",
    "trl.scripts.grpo": "trl",
    "verl.trainer.main_ppo": "verl",
    "verl.trainer.fsdp_sft_trainer": "verl",
    "verl.trainer.sft_trainer": "verl",
    "openrlhf.cli.train_sft": "openrlhf",
    "openrlhf.cli.train_dpo": "openrlhf",
    "openrlhf.cli.train_kto": "openrlhf",
    "openrlhf.cli.train_rm": "openrlhf",
    "openrlhf.cli.train_ppo": "openrlhf",
    "openrlhf.cli.train_ppo_ray": "openrlhf",
    "skyrl.train.main_sft": "skyrl",
    "skyrl.train.entrypoints.main_base": "skyrl",
    "skyrl_train.entrypoints.main_base": "skyrl",
}
"""What ``python -m`` runs (or is installed under that name), and its dialect."""
_METHODS = {
    **dict.fromkeys(("main_sft", "train_sft", "fsdp_sft_trainer", "sft_trainer"), "sft"),
    "train_dpo": "dpo",
    "train_kto": "kto",
    "train_rm": "reward",
    **dict.fromkeys(("train_ppo", "train_ppo_ray", "main_ppo", "main_base"), "ppo"),
}
"""Programs of the dialects above that learn in one way, and in which."""
_ARGPARSE = frozenset(
    {"llamafactory", "llamafactory-infer", "ms-swift", "trl", "mlx-lm", "autotrain", "openrlhf"}
)
"""Dialects whose flags argparse reads: it takes the beginning of a name, if only one has it."""
_PACKAGES = {
    "ms-swift": "swift",
    "autotrain": "autotrain",
    "verl": "verl",
    "openrlhf": "openrlhf",
}
"""Dialects with the package whose programs have their options in the libraries' tables."""
_BARE_FLAGS = lazily(r"--?(lora[_-]|network_|ds\.lora|use_peft|peft\b|q_lora)", re.IGNORECASE)
_LORA_KEY = lazily(r"lora_|lora\.[\w.]+=")


class Flag(NamedTuple):
    """A flag or ``key=value`` argument, with the words that are its values."""

    name: str
    """``lora_rank`` for ``--lora-rank``."""
    word: Text
    values: tuple[Text, ...]


class Command(NamedTuple):
    """A command that trains, or may."""

    dialect: str
    """``generic`` for a program that is not known."""
    program: Text
    subcommand: str
    flags: tuple[Flag, ...]
    positional: tuple[Text, ...]
    launcher: tuple[Text, ...] = ()
    """What stands before the word after which the options begin: ``torchrun`` and its flags."""
    answering: Answering | None = None
    """The program, where it makes no adapter."""

    @property
    def options_of(self) -> str:
        """The program whose options the flags are, if its options are known; else empty."""
        if self.answering is not None:
            return self.answering.program
        package = _PACKAGES.get(self.dialect, "")
        return f"{package}.{self.subcommand}" if package else ""

    def full_name(self, name: str, known: frozenset[str]) -> str:
        """The option that a flag is: argparse accepts any beginning that only one of them has."""
        if self.dialect not in _ARGPARSE or name in known:
            return name
        meant = [key for key in known if key.startswith(name)]
        return meant[0] if len(meant) == 1 else name

    @property
    def refuses_unknown(self) -> bool:
        """Whether argparse reads the flags, which ends the program at one that it does not know."""
        return self.dialect in _ARGPARSE

    @property
    def method(self) -> str:
        """What the program does, where its name says it: ``dpo`` for ``trl dpo``."""
        if self.dialect == "trl" or (self.dialect == "ms-swift" and self.subcommand != "rlhf"):
            return self.subcommand
        known = self.dialect in _MODULES.values() and self.dialect != "mlx-lm"
        return _METHODS.get(self.subcommand, "") if known else ""

    @property
    def has_config_file(self) -> bool:
        """Whether most settings come from a file, so that defaults cannot be told."""
        names = {flag.name for flag in self.flags}
        files = (".yaml", ".yml", ".json", ".toml")
        return bool(names & {"config", "config_file", "config_name", "config_path", "c"}) or any(
            text.endswith(files) for word in self.positional for text in word.candidates
        )


def command(words: list[Text]) -> Command | None:
    """What a command line starts, if its flags can be about LoRA."""
    texts = [word.literal for word in words]
    start, dialect, subcommand, answering = _program(texts)
    if start is None:
        if not any(_BARE_FLAGS.match(text) or _LORA_KEY.search(text) for text in texts):
            return None
        start, dialect, subcommand = _module(texts), "generic", ""
    flags, positional = _flags(words[start + 1 :], texts[start + 1 :])
    before = tuple(words[:start])
    return Command(dialect, words[start], subcommand, flags, positional, before, answering)


def _program(texts: list[str]) -> tuple[int | None, str, str, Answering | None]:
    for at, text in enumerate(texts):
        if text.startswith("-"):
            continue
        pair = (_last(text), texts[at + 1] if at + 1 < len(texts) else "")
        if pair in _SUBCOMMANDS:
            return at + 1, _SUBCOMMANDS[pair], pair[1], None
        if (found := find(*pair)) is not None:
            return at + 1, found.dialect, pair[1], found
        if (found := of_module(text)) is not None:
            return at, found.dialect, text.rpartition(".")[2], found
        if text in _MODULES:
            return at, _MODULES[text], text.rpartition(".")[2], None
        if (script := _OF_DIFFUSERS.fullmatch(text)) is not None:
            return at, "diffusers", script[1], None
        for ending, dialect in _SCRIPTS.items():
            if text == ending or text.endswith("/" + ending):
                return at, dialect, ending.rpartition("/")[2].removesuffix(".py"), None
    return None, "", "", None


def _module(texts: list[str]) -> int:
    """Where the module stands that Python is to run; 0 where none does."""
    for at, text in enumerate(texts[:-1]):
        if text in ("-m", "--module"):
            return at + 1
    return 0


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def flags_of(words: Iterable[Text]) -> tuple[Flag, ...]:
    """The flags among the words of a launcher."""
    return flags_and_positional(list(words))[0]


def flags_and_positional(words: list[Text]) -> tuple[tuple[Flag, ...], tuple[Text, ...]]:
    """The flags among the words behind a program, and the words that belong to none."""
    return _flags(words, [word.literal for word in words])


def _flags(words: list[Text], texts: list[str]) -> tuple[tuple[Flag, ...], tuple[Text, ...]]:
    flags: list[Flag] = []
    positional: list[Text] = []
    for word, text in zip(words, texts, strict=True):
        flag = _flag(word)
        override = _OVERRIDE.fullmatch(text)
        if flag is not None:
            flags.append(flag)
        elif override is not None and not _is_option(flags):
            flags.append(Flag(override[1], word, (_value(word, override[2]),)))
        elif flags and not _is_full(flags[-1]) and not _may_be_more(flags[-1], word):
            last = flags.pop()
            flags.append(Flag(last.name, last.word, (*last.values, word)))
        else:
            positional.append(word)
    return tuple(flags), tuple(positional)


def _flag(word: Text) -> Flag | None:
    """``--name`` or ``--name=value``, the name the same in all candidates."""
    texts = word.candidates or ((word.template,) if word.template else ())
    parts = [text.partition("=") for text in texts]
    names = {name for name, _, _ in parts}
    if len(names) != 1 or not _FLAG.fullmatch(name := names.pop()):
        return None
    if word.quoted and not name.startswith("--"):
        return None
    if not any(equals for _, equals, _ in parts):
        return Flag(_clean(name), word, ())
    values = tuple(value for _, _, value in parts) if word.candidates else ()
    return Flag(_clean(name), word, (word._replace(candidates=values, template=""),))


def _is_option(flags: list[Flag]) -> bool:
    """Whether the last of them is ``--key``, and a text with ``=`` may be its value."""
    return bool(flags) and (flags[-1].word.candidates or (flags[-1].word.template,))[0][:1] == "-"


def _may_be_more(flag: Flag, word: Text) -> bool:
    """Whether a variable behind a value, of which nothing is known, may hold options."""
    return bool(flag.values) and not word.candidates and not word.quoted


def _is_full(flag: Flag) -> bool:
    """``--key=value`` and ``key=value`` take no more words."""
    return any("=" in text for text in flag.word.candidates or (flag.word.template,))


def _clean(name: str) -> str:
    return name.lstrip("-").replace("-", "_")


def _value(word: Text, value: str) -> Text:
    return Text((value,), word.span, word.quoted, word.unknown, word.default_of)
