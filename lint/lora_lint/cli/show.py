"""``lora-lint show``: a recipe as it was understood, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_lint.engine.result import place
from lora_lint.report import terminal
from lora_lint.report.setting_groups import grouped, is_declared, is_principal
from lora_lint.report.terminal import Segment
from lora_rules.engine._startup.typed import TextIO
from lora_rules.engine.brief import brief, written
from lora_rules.recipe import Origin, Recipe, Setting, Span

_VALUE = 46
"""Columns that a value may take; a longer one goes on in the next line."""
_LINES = 6


def show(recipes: Iterable[Recipe], form: str, stream: TextIO, *, everything: bool = False) -> None:
    """Write what was understood, as ``text`` (styled on a terminal) or ``json``.

    Text leaves out the defaults that few care about, unless ``everything`` is wanted.
    """
    if form == "json":
        from lora_lint.report.show_json import render

        terminal.write_plain(render(recipes), stream)
    else:
        terminal.write(segments(recipes, everything=everything), stream)


def segments(recipes: Iterable[Recipe], *, everything: bool = False) -> Iterator[Segment]:
    """Every recipe in styled pieces."""
    count = 0
    for count, recipe in enumerate(recipes, 1):
        if count > 1:
            yield "\n", ""
        yield from _recipe(recipe, everything=everything)
    if not count:
        yield "No LoRA recipe here.\n", ""


def _recipe(recipe: Recipe, *, everything: bool) -> Iterator[Segment]:
    yield place(recipe.path, recipe.span.cell, recipe.span.line), "strong"
    yield f"  {_what(recipe)}\n", ""
    shown_settings = {
        name: setting
        for name, setting in recipe.settings.items()
        if everything or setting.written or is_principal(name)
    }
    rows = list(shown_settings.values())
    leaders = _leaders(rows)
    names = max((terminal.width(setting.name) for setting in rows), default=0)
    places = max((len(_place(setting.span)) for setting in rows), default=0)
    values = max((terminal.width(line) for row in rows for line in _value(row)), default=0)
    for title, settings in grouped(shown_settings).items():
        yield f"\n  {title}\n", "also"
        for setting in settings:
            yield from _setting(setting, names, values, places, leaders.get(setting.name, ""))
    hidden = len(recipe.settings) - len(rows)
    if hidden:
        yield f"\n  and {hidden} more defaults: show --all\n", "dim"


def _what(recipe: Recipe) -> str:
    who = recipe.framework or recipe.dialect
    callee = recipe.callee or ""
    parts = [callee if callee.startswith(f"{who}.") else ", ".join(filter(None, (who, callee)))]
    if recipe.domain != "language":
        parts.append(f"{recipe.domain} model")
    if recipe.result:
        parts.append("the record of a trained adapter")
    return "; ".join(parts)


def _leaders(rows: list[Setting]) -> dict[str, str]:
    """Of a setting whose values belong to those of one before it, the name of that one."""
    first: dict[str, str] = {}
    leaders: dict[str, str] = {}
    for setting in rows:
        points = {choice.point for choices in setting.choices for choice in choices}
        known = [first[point] for point in sorted(points) if point in first]
        if known:
            leaders[setting.name] = known[0]
        for point in points:
            first.setdefault(point, setting.name)
    return leaders


def _setting(
    setting: Setting, names: int, values: int, places: int, leader: str
) -> Iterator[Segment]:
    quiet = "" if setting.written else "dim"
    first, *more = _value(setting)
    yield f"    {_pad(setting.name, names)}  ", quiet
    yield _pad(first, values), quiet or ("strong" if setting.candidates else "warning")
    yield f"  {_place(setting.span):>{places}}", "dim"
    yield f"  {_how(setting, leader)}\n", quiet
    for line in more:
        yield f"    {' ' * names}  {line}\n", quiet or "strong"


def _how(setting: Setting, leader: str) -> str:
    """How it is known, in a few words."""
    said = [_origin(setting)]
    if len(setting.candidates) > 1:
        count = len({written(value) for value in setting.candidates})
        said.append(f"one of {count} (with {leader})" if leader else f"one of {count}")
    if setting.declared is not None and setting.declared != setting.span:
        said.append(f"value from {_place(setting.declared)}")
    if setting.overridable:
        said.append("a run may override it")
    if not setting.candidates:
        said.append(setting.reason or "cannot be known from the file")
    if setting.elements:
        said.append(f"it has {', '.join(brief(element) for element in setting.elements)}")
    return "; ".join(said)


def _origin(setting: Setting) -> str:
    if setting.origin is Origin.WRITTEN:
        if is_declared(setting.name):
            return f"declared: {setting.source}" if setting.source else "declared"
        said = "written" if setting.key in ("", setting.name) else f"written as {setting.key}"
        return f"{said} ({setting.source})" if setting.source else said
    word = "default" if setting.origin is Origin.DEFAULT else "derived"
    return f"{word}: {setting.source}" if setting.source else word


def _place(span: Span | None) -> str:
    return "-" if span is None else place("", span.cell, span.line, span.column)


def _value(setting: Setting) -> list[str]:
    """The value in lines that fit its column."""
    if not setting.candidates:
        return ["unknown"]
    every = dict.fromkeys(written(value) for value in _in_order(setting))
    text = terminal.safe(" | ".join(every))
    lines = [""]
    for word in text.replace("\n", " ").split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if terminal.width(longer) <= _VALUE:
            lines[-1] = longer
        else:
            lines += _pieces(word)
    lines = [line for line in lines if line] or [""]
    if len(lines) > _LINES:
        rest = sum(map(len, lines[_LINES - 1 :]))
        lines = [*lines[: _LINES - 1], f"... ({rest} more characters)"]
    return lines


def _in_order(setting: Setting) -> tuple[object, ...]:
    """The candidates in the order of the branches, passes or items that they belong to."""
    if not setting.choices:
        return setting.candidates
    places = range(len(setting.candidates))
    return tuple(
        setting.candidates[at] for at in sorted(places, key=lambda at: (setting.choices[at], at))
    )


def _pieces(word: str) -> list[str]:
    size = _VALUE if word.isascii() else _VALUE // 2
    return [word[start : start + size] for start in range(0, len(word), size)]


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - terminal.width(text))
