"""``tune run RECIPE --config NAME model.lora_rank=16``: what overrides torchtune's configurations.

The configuration is torchtune's own or a file, which is linted by itself. Of the overrides only the
arguments of components can be judged: of those that a configuration of torchtune's names, and of
those that the command itself names (``model=torchtune.models.llama3_1.lora_llama3_1_8b``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_lint.read.shell.commands import Command, Flag
from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.libraries import signatures
from lora_rules.recipe import Block, Key, Recipe, Span

TABLE = "libraries/torchtune/configs.json"
"""``tools/build_torchtune_configs.py`` writes it."""
COMPONENT = "_component_"


class Override(NamedTuple):
    """``key=value``."""

    key: str
    value: str
    span: Span


def recipe_of(started: Command, path: str) -> Recipe | None:
    """What the rules see of such a command; ``None`` if it overrides nothing that is known."""
    overrides = tuple(_overrides(started))
    blocks = tuple(_blocks(overrides, {**_configured(started), **_named(overrides)}))
    if not blocks:
        return None
    return Recipe(
        path=path,
        kind="shell",
        dialect=started.dialect,
        span=started.program.span,
        blocks=blocks,
        result=True,
        framework=started.dialect,
    )


def _overrides(started: Command) -> Iterator[Override]:
    """Those of the words: behind an option they look like more values of it."""
    words = [*started.positional]
    for flag in started.flags:
        words += flag.values if _is_option(flag) else [flag.word]
    for word in words:
        text = word.literal
        key, equals, value = text.partition("=")
        if equals and not key.startswith(("-", "~")):
            yield Override(key, value, word.span)


def _is_option(flag: Flag) -> bool:
    return all(text.startswith("-") for text in flag.word.candidates)


def _configured(started: Command) -> Mapping[str, str]:
    """The components of the configuration, where it is one of torchtune's."""
    given = [flag.values[0] for flag in started.flags if flag.name == "config" and flag.values]
    names = given[-1].candidates if given else ()
    found = packaged.entry(TABLE, names[0]) if len(names) == 1 else None
    return found or {}


def _named(overrides: tuple[Override, ...]) -> Mapping[str, str]:
    """The components that the command itself names."""
    return {
        each.key.removesuffix(f".{COMPONENT}"): each.value
        for each in overrides
        if "." not in each.key or each.key.endswith(f".{COMPONENT}")
    }


def _blocks(overrides: tuple[Override, ...], called: Mapping[str, str]) -> Iterator[Block]:
    for section, component in called.items():
        if not signatures.is_known(component) or signatures.is_open(component):
            continue
        inner = [each for each in overrides if each.key.partition(".")[0] == section]
        named = [(each.key.partition(".")[2], each.span) for each in inner]
        keys = tuple(
            Key(name, at, value_span=at) for name, at in named if name not in ("", COMPONENT)
        )
        if keys:
            yield Block(component, keys[0].span, keys, programs=(component,))
