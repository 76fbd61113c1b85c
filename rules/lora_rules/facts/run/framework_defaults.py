"""Silent defaults: what a setting gets that nobody wrote, from whom, and at which place.

The defaults in a recipe are those of the newest versions. Where the repository pins an older one,
the value that is really in force may be another: it is looked up in the table of signatures.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.facts.versions import version_of
from lora_rules.recipe import Origin, Recipe, Setting, Span

_PACKAGES = {
    "TRL's ": ("trl", "trl"),
    "transformers' ": ("transformers", "transformers"),
    "bitsandbytes through transformers": ("transformers", "transformers"),
}
"""How a message names who sets a default, and the package whose version decides."""


def is_silent(recipe: Recipe, name: str) -> bool:
    """Whether a setting has a value only because some framework fills it in."""
    setting = recipe.settings.get(name)
    return setting is not None and setting.origin is Origin.DEFAULT and setting.known


def holds_when_pinned(recipe: Recipe, name: str) -> bool:
    """Whether a silent default is also that of the version that the repository pins."""
    setting = recipe.settings[name]
    package = _package(setting)
    version = ANY if package is None else version_of(recipe, package)
    if not version.capped:
        return True  # the newest, which an installation gets
    in_force = _defaults(_receiver(setting), version)
    return in_force.get(setting.key, in_force.get(name)) == setting.value


def _package(setting: Setting) -> str | None:
    for words, (package, _root) in _PACKAGES.items():
        if setting.source.startswith(words):
            return package
    return None


def _receiver(setting: Setting) -> str:
    if setting.source.startswith("bitsandbytes"):
        return "transformers.BitsAndBytesConfig"
    package = _package(setting) or ""
    return f"{package}.{setting.source.rpartition(' ')[2]}"


def _defaults(receiver: str, version: VersionRange) -> Mapping[str, object]:
    """Those of an exact version, else those of the newest that is allowed."""
    from lora_rules.libraries import signatures  # imported here: few repositories pin a version

    try:
        newest = None if version.exact else signatures.newest(receiver, version)
        return signatures.defaults(receiver, newest or version)
    except KeyError:
        return {}


def place_of(recipe: Recipe, name: str) -> str | Span | None:
    """Where to tell of a setting: its value, else the call that fills it in, else the recipe."""
    setting = recipe.settings.get(name)
    if setting is None or setting.span is not None:
        return name
    receiver = _receiver(setting)
    for block in recipe.blocks:
        if block.receiver == receiver:
            return block.span
    return name
