"""Files that look like a framework's, and are read by a program of the repository's own.

A repository that trains with a script of its own gives it keys that many frameworks have, such as
``model_name_or_path`` and ``lora_r``. Where such a file has a key that the framework never knew,
and a program of the repository declares that key and settings of the adapter, the file is that
program's: what the framework refuses, or takes for its default, says nothing about it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.read.reading import Reading
from lora_lint.sources.files import Files
from lora_lint.sources.own_program import declares
from lora_lint.sources.source import Source
from lora_lint.translate.draft import ADAPTER
from lora_lint.translate.framework import GENERIC
from lora_rules.frameworks import behaviour_of
from lora_rules.libraries import signatures
from lora_rules.recipe import Recipe

SAYS_SO = frozenset({GENERIC, "lora-launch", "peft-adapter-json"})
"""Formats that are no program's, and those that nothing else looks like."""


def is_own(reading: Reading, source: Source, files: Files) -> bool:
    """Whether a file is for a program of its repository, and for no framework.

    Args:
        reading: what the file looks like.
        source: the file.
        files: remembers what was read.
    """
    recipes = [recipe for recipe in reading.recipes if recipe.dialect not in SAYS_SO]
    foreign = {name for recipe in recipes for name in _never_known(recipe)}
    if not foreign:
        return False
    adapter = {key for recipe in recipes for key in _adapter_keys(recipe)}
    return declares(source.path, foreign, adapter, files)


def _adapter_keys(recipe: Recipe) -> Iterator[str]:
    """What the file calls the settings of its adapter."""
    for name in ADAPTER:
        setting = recipe.settings.get(name)
        if setting is not None and setting.written:
            yield setting.key


def _never_known(recipe: Recipe) -> Iterator[str]:
    """The keys of a file that no version of its framework has."""
    if not recipe.blocks:
        return
    block = recipe.blocks[0]
    framework = behaviour_of(recipe.dialect, recipe.framework)
    names = [key.name for key in block.keys if "." not in key.name]
    classes = [each for script in framework.scripts("", names) for each in script]
    known = block.known_keys.union(*map(signatures.every_field, (*classes, *block.programs)))
    if known:
        passing = framework.launcher_keys
        for name in names:
            if name not in known and name not in passing and not framework.goes_elsewhere(name):
                yield name
