"""What is declared beside a recipe, as settings: the GPU, the rows of the data, pinned versions.

The command line wins over a comment in the file, the comment over the recipe's own settings file
key, and that over ``[tool.lora-lint]``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lora_lint.engine.config import DECLARATIONS, Config
from lora_lint.read.directives import Directive
from lora_lint.sources.files import Files
from lora_lint.sources.pins.combine import Pinned
from lora_lint.sources.pins.requirement import LIBRARIES
from lora_lint.sources.pins.search import pinned_for
from lora_lint.sources.repository import FileRepository
from lora_lint.translate.records import lies_beside_adapter
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.version_range import ANY, VersionRange, union
from lora_rules.frameworks import behaviour_of
from lora_rules.recipe import Origin, Recipe, Setting, Span


def with_declarations(
    recipe: Recipe,
    config: Config,
    command_line: Mapping[str, Any],
    directives: tuple[Directive, ...],
    files: Files,
) -> Recipe:
    """The recipe, with everything that was declared beside it, and the files around it."""
    comments = _from_comments(directives)
    if _has_value(recipe, "model_name_or_path"):
        comments.pop("model_name_or_path", None)
    settings = {**_from_config(config), **_versions(recipe, files), **recipe.settings, **comments}
    for name, value in command_line.items():
        settings[name] = _setting(name, value, "the command line")
    settings.update(_of_older_version(recipe, settings))
    record = recipe.kind in ("yaml", "json") and lies_beside_adapter(recipe.path, files)
    return recipe._replace(
        settings=settings,
        result=recipe.result or record,
        repository=FileRepository(recipe.path, files, online=_is_online(command_line)),
    )


def _is_online(command_line: Mapping[str, Any]) -> bool:
    return command_line.get("online") is True


def _has_value(recipe: Recipe, name: str) -> bool:
    setting = recipe.settings.get(name)
    return setting is not None and bool(setting.candidates)


def _from_config(config: Config) -> dict[str, Setting]:
    source = os.path.basename(config.origin)
    return {name: _setting(name, value, source) for name, value in config.declared.items()}


def _from_comments(directives: tuple[Directive, ...]) -> dict[str, Setting]:
    declared = (each for each in directives if each.kind == "declare" and each.key in DECLARATIONS)
    values = [
        (DECLARATIONS[each.key][0], value_of(each.value, DECLARATIONS[each.key][1]), each.span)
        for each in declared
    ]
    return {
        name: _setting(name, value, "a comment", span)
        for name, value, span in values
        if value is not None
    }


def value_of(text: str, kind: type) -> object:
    """A declaration's text as the type it has to be, or ``None`` if it is not."""
    if kind is str:
        return text or None
    number = text.replace("_", "").replace(",", "")
    return int(number) if number.isdecimal() and 0 < len(number) < 16 and int(number) else None


def _versions(recipe: Recipe, files: Files) -> dict[str, Setting]:
    """What the repository pins; what a notebook or script installs itself wins over it."""
    found = pinned_for(os.path.abspath(recipe.path), files)
    found.update({name: Pinned((each,)) for name, each in recipe.pins.items()})
    return {
        (name := f"pinned_{library.replace('-', '_')}"): _pinned(name, found[library])
        for library in LIBRARIES
        if library in found and found[library].candidates != (ANY,)
    }


def _of_older_version(recipe: Recipe, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Silent defaults of the framework that the pinned version does not have yet."""
    framework = behaviour_of(recipe.dialect, recipe.framework)
    return {
        name: settings[name]._replace(candidates=(before,))
        for name, (pinned, since, before) in framework.defaults_since.items()
        if name in settings
        and settings[name].origin is Origin.DEFAULT
        and pinned in settings
        and all(
            isinstance(each, VersionRange) and each.certainly_below(since)
            for each in settings[pinned].candidates
        )
    }


def _pinned(name: str, found: Pinned) -> Setting:
    source = ", ".join(union(found.candidates).places)
    return Setting(
        name, found.candidates, Origin.WRITTEN, name, source=source, choices=found.choices
    )


def _setting(name: str, value: object, source: str, span: Span | None = None) -> Setting:
    return Setting(name, (value,), Origin.WRITTEN, name, span=span, source=source)
