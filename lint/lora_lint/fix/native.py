"""A setting back into its framework's own key and spelling: a dialect's table read backwards.

The first spelling that the reader takes for the wanted value is written; nothing is trusted that
was not read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_lint.fix.text import NotOffered
from lora_lint.translate.table import Field
from lora_rules.engine.problem import Add, Edit, Set
from lora_rules.frameworks import behaviour_of
from lora_rules.recipe import Recipe, Setting

PYTHON = frozenset({"python", "notebook"})


def is_call(recipe: Recipe) -> bool:
    """Whether the recipe is a call's, whose keywords are no dialect's."""
    return recipe.kind in PYTHON and recipe.callee is not None


def spellings(recipe: Recipe, name: str, value: object) -> Iterator[object]:
    """What to write so that a setting has a value, the likeliest first."""
    if is_call(recipe):
        yield value
        return
    field = _field(recipe, name)
    turned = behaviour_of(recipe.dialect).spelled(name, value, recipe.known)
    if turned is not None:
        yield from turned
        return
    if field is not None and field.equals is not None:
        if value is True:
            yield field.equals
        return
    if value == "all-linear":
        yield from _all_linear(recipe)
    if field is not None and field.spelling == "negation":
        yield not value
    if field is not None and field.spelling in _JOINED and isinstance(value, list):
        yield _JOINED[field.spelling].join(map(str, value))
    yield value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield ",".join(value)
    yield from _SHORT.get(str(value), ())


_JOINED = {"comma_list": ",", "words": " ", "commas_only": ","}
_SHORT: Mapping[str, tuple[str, ...]] = {
    "bfloat16": ("bf16",),
    "float16": ("fp16",),
    "float32": ("fp32",),
}


def _all_linear(recipe: Recipe) -> Iterator[object]:
    from lora_lint.translate.framework import load

    for spelling in load(recipe.dialect).table.all_linear:
        listed = spelling.startswith("[") and spelling.endswith("]")
        yield [spelling[1:-1]] if listed else spelling


def paths(recipe: Recipe, name: str) -> tuple[str, ...]:
    """The dotted keys under which a setting may be written in the recipe's file.

    Raises:
        NotOffered: if the framework has none.
    """
    setting = recipe.settings.get(name)
    if setting is not None and not setting.written and setting.key:
        field = _field(recipe, name)
        if field is not None and field.keys:
            return (setting.key,)
    field = _field(recipe, name)
    if field is not None and field.keys and behaviour_of(recipe.dialect).one_spelling:
        return tuple(_prefix(recipe) + key for key in field.keys)
    if any(name in block.known_keys for block in recipe.blocks):
        return (name,)  # a key of the framework's own, which is no setting elsewhere
    raise NotOffered(f"{recipe.framework or recipe.dialect} has no key for {name}")


def _prefix(recipe: Recipe) -> str:
    """The way to the recipe, where the dialect's recipes are the items of a list."""
    from lora_lint.translate.framework import load

    each = load(recipe.dialect).table.each
    for setting in recipe.settings.values():
        head, bracket, _ = setting.key.partition("].")
        if each and bracket and head.startswith(f"{each}["):
            return f"{head}]."
    return ""


def _field(recipe: Recipe, name: str) -> Field | None:
    from lora_lint.translate.framework import load

    fields = (field for field in load(recipe.dialect).table.fields if field.name == name)
    return next(fields, None)


def completed(recipe: Recipe, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits, with what the framework asks for beside them."""
    quantizes = any(
        isinstance(edit, Set | Add) and edit == type(edit)("load_in_4bit", True) for edit in edits
    )
    adapter = behaviour_of(recipe.dialect).four_bit_adapter
    return (Set("lora_enabled", adapter), *edits) if quantizes and adapter else edits


def has(recipe: Recipe, edit: Set | Add) -> bool:
    """Whether a setting has the value that an edit wants."""
    setting = recipe.settings.get(edit.setting)
    if setting is None:
        keys = [key for block in recipe.blocks for key in block.keys if key.name == edit.setting]
        return any(same(value, edit.value) for key in keys for value in key.candidates)
    if not setting.known:
        return False
    if edit.setting == "lora_enabled":
        return _written_as(setting) == edit.value
    return same(setting.value, edit.value)


def _written_as(setting: Setting) -> str:
    return setting.source.rpartition(": ")[2]


def same(one: object, other: object) -> bool:
    """Whether two values are one: ``16`` and ``16.0`` are, ``1`` and ``True`` are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    return one == other
