"""One finding mended: its edits made one after the other, each read back before the next."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from lora_lint.engine.check import check, recipes_of
from lora_lint.engine.config import Config
from lora_lint.engine.finding import FileReport, Finding
from lora_lint.fix import native
from lora_lint.fix.document import Document
from lora_lint.fix.notebook import Notebook
from lora_lint.fix.text import NotOffered
from lora_lint.read.reading import Unreadable
from lora_lint.sources.source import Source
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.problem import Add, Edit, Remove, Rename, Safety, Set, Severity
from lora_rules.recipe import Key, Recipe, Setting, Span

Text = Document | Notebook


class Reader:
    """Reads a text as the check does, with the settings and declarations of its run."""

    def __init__(self, config: Config, declared: Mapping[str, Any]) -> None:
        """Remember what the run was told."""
        self.config = config
        self.declared = declared

    def recipes(self, source: Source) -> tuple[Recipe, ...]:
        """The recipes of a text.

        Raises:
            NotOffered: if it does not parse.
        """
        try:
            return recipes_of(source, self.config, self.declared)
        except Unreadable as error:
            raise NotOffered(f"it would not parse: {error}") from None

    def report(self, source: Source) -> FileReport:
        """What the rules say of a text.

        Raises:
            NotOffered: if it does not parse.
        """
        report = check(source, self.config, self.declared)
        if report.unreadable is not None:
            raise NotOffered(f"it would not parse: {report.unreadable}")
        return report


class Mended(NamedTuple):
    """A text with one finding mended."""

    source: Source
    report: FileReport
    recipe: Recipe
    """The recipe as it is afterwards."""


def mend(source: Source, before: FileReport, finding: Finding, reader: Reader) -> Mended:
    """The text with a finding's edits made.

    Raises:
        NotOffered: if that cannot be done, or does not keep its promise.
    """
    recipes = reader.recipes(source)
    number = finding.recipe
    if number is None or not number < len(recipes) or not finding.edits:
        raise NotOffered("the rule has no fix for it")
    _check_alone(finding, recipes, number)
    document: Text = Notebook(source) if source.kind == "notebook" else Document(source)
    edits = native.completed(recipes[number], finding.edits)
    near: Span | None = finding.span
    for edit in edits:
        recipe = recipes[number]
        document = made(document, recipe, edit, Place(finding, number, near), reader)
        recipes = reader.recipes(document.source)
        if len(recipes) <= number or recipes[number].dialect != recipe.dialect:
            raise NotOffered("another recipe would be read from it")
        near = _beside(recipes[number], edit) or near
    _check_parses(document)
    after = reader.report(document.source)
    _check_promise(before, after, finding)
    _check_values(recipes[number], edits)
    return Mended(document.source, after, recipes[number])


class Place(NamedTuple):
    """What an edit belongs to."""

    finding: Finding
    number: int
    """The recipe's."""
    near: Span | None
    """Where a new key belongs."""


def _beside(recipe: Recipe, edit: Edit) -> Span | None:
    """Where a setting that was just written stands: the next new one goes there."""
    setting = recipe.settings.get(edit.setting) if isinstance(edit, Add) else None
    return setting.key_span if setting is not None else None


def _check_values(recipe: Recipe, edits: tuple[Edit, ...]) -> None:
    """A later edit may have undone an earlier one.

    Raises:
        NotOffered: if it has.
    """
    for edit in edits:
        if isinstance(edit, Set) and not native.has(recipe, edit):
            raise NotOffered(f"{edit.setting} would not be {edit.value!r}")


def _check_alone(finding: Finding, recipes: tuple[Recipe, ...], number: int) -> None:
    """Refuse an unsafe edit of a value that another recipe reads too.

    Raises:
        NotOffered: if there is one.
    """
    if finding.safety is Safety.SAFE:
        return
    for edit in finding.edits:
        setting = None if isinstance(edit, Rename) else recipes[number].settings.get(edit.setting)
        span = setting.span if setting is not None else None
        for other, recipe in enumerate(recipes):
            if other == number or span is None:
                continue
            if any(each.span == span for each in recipe.settings.values()):
                raise NotOffered("another recipe of the file takes the same value")


def _check_parses(document: Text) -> None:
    """Python that only a repair could read is not written.

    Raises:
        NotOffered: if it does not parse.
    """
    if document.source.kind != "python" or not isinstance(document, Document):
        return
    import ast
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(document.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotOffered("the file is no plain Python") from None


def _check_promise(before: FileReport, after: FileReport, finding: Finding) -> None:
    """The finding is gone, and none that is as bad stands where there was none.

    Raises:
        NotOffered: if not.
    """
    as_bad = finding.severity
    if _count(after, finding.code, as_bad) >= _count(before, finding.code, as_bad):
        raise NotOffered("the finding would stay")
    least = Severity.WARNING if finding.safety is Safety.SAFE else Severity.ERROR
    for code in {each.code for each in after.findings}:
        if _count(after, code, least) > _count(before, code, least):
            raise NotOffered(f"{code} would appear in its place")


def _count(report: FileReport, code: str, least: Severity) -> int:
    return sum(
        finding.code == code and finding.severity >= least and finding.suppressed is None
        for finding in report.findings
        if finding.certain
    )


def made(document: Text, recipe: Recipe, edit: Edit, place: Place, reader: Reader) -> Text:
    """One edit made and read back.

    Raises:
        NotOffered: if it cannot be.
    """
    writer = _writer(document, recipe)
    if isinstance(edit, Rename):
        return _ours(
            writer.rename(document, recipe, _key(recipe, edit.key, place.finding), edit.to)
        )
    if isinstance(edit, Remove):
        setting = recipe.settings.get(edit.setting)
        if setting is None or not setting.written:
            raise NotOffered(f"{edit.setting} is not written here")
        return _ours(writer.remove(document, recipe, setting))
    if native.has(recipe, edit):
        return document
    return _given(document, recipe, edit, place, reader)


def _ours(document: object) -> Text:
    """A writer's answer, with its type."""
    assert isinstance(document, Document | Notebook)  # noqa: S101
    return document


def _writer(document: Text, recipe: Recipe) -> ModuleType:
    """How this kind of text takes edits; a notebook's cell may be a shell's."""
    from importlib import import_module

    kind = document.source.kind
    name = "shell" if kind == "notebook" and recipe.callee is None else kind
    name = "python" if name == "notebook" else name
    return import_module(f"lora_lint.fix.{name}_file")


def _key(recipe: Recipe, name: str, finding: Finding) -> Key:
    keys = [key for block in recipe.blocks for key in block.keys if key.name == name]
    for key in keys:
        if key.span == finding.span:
            return key
    raise NotOffered(f"{name} is not written here")


def _given(document: Text, recipe: Recipe, edit: Set | Add, place: Place, reader: Reader) -> Text:
    """A setting given its value, in the first spelling that reads back as that value.

    Raises:
        NotOffered: if none does.
    """
    why = NotOffered(f"there is no way to write {edit.setting} here")
    for spelled in native.spellings(recipe, edit.setting, edit.value):
        try:
            changed = _written(document, recipe, edit, spelled, place.near)
            recipes = reader.recipes(changed.source)
        except NotOffered as reason:
            why = reason
            continue
        if place.number < len(recipes) and native.has(recipes[place.number], edit):
            return changed
        why = NotOffered(f"{edit.setting} would not be read as {edit.value!r}")
    is_first = place.finding.edits[:1] == (edit,)
    if isinstance(edit, Add) and not native.is_call(recipe) and not is_first:
        return document  # the framework decides what goes with the first
    raise why


def _written(
    document: Text, recipe: Recipe, edit: Set | Add, value: object, near: Span | None
) -> Text:
    writer = _writer(document, recipe)
    setting = recipe.settings.get(edit.setting)
    if setting is not None and _stands(setting):
        return _ours(writer.set_value(document, recipe, setting, value))
    if native.is_call(recipe):
        return _ours(writer.add(document, recipe, edit.setting, value))
    why = NotOffered(f"there is no key for {edit.setting}")
    for path in native.paths(recipe, edit.setting):
        try:
            return _ours(writer.add(document, recipe, path, value, near))
        except NotOffered as reason:
            why = reason
    raise why


def _stands(setting: Setting) -> bool:
    return setting.written and setting.span is not None
