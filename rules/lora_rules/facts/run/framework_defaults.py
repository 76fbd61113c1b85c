"""Silent defaults: what a setting gets that nobody wrote, from whom, and at which place.

The defaults in a recipe are those of the newest versions. Where the repository pins an older one,
the value that is really in force may be another: it is looked up in the table of signatures.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.recipe import Blocks, Origin, Setting, Span

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins

_PACKAGES = {
    "TRL's ": ("trl", "trl"),
    "transformers' ": ("transformers", "transformers"),
    "bitsandbytes through transformers": ("transformers", "transformers"),
}
"""How a message names who sets a default, and the package whose version decides."""


def is_silent(setting: Setting) -> bool:
    """Whether a setting has a value only because some framework fills it in."""
    return setting.origin is Origin.DEFAULT and setting.known


def holds_when_pinned(setting: Setting, pins: Pins) -> bool:
    """Whether a silent default is also that of the version that the repository pins."""
    package = _package(setting)
    version = ANY if package is None else pins[package]
    if not version.capped:
        return True  # the newest, which an installation gets
    in_force = _defaults(_receiver(setting), version)
    return in_force.get(setting.key, in_force.get(setting.name)) == setting.value


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


def place_of(setting: Setting, blocks: Blocks) -> str | Span:
    """Where to report a setting: its value, else the call that fills it in, else the recipe."""
    if setting.span is not None:
        return setting.name
    receiver = _receiver(setting)
    return next((block.span for block in blocks if block.receiver == receiver), setting.name)
