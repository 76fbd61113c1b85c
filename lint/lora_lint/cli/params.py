"""``lora-lint params``: what a recipe trains, module by module, and what other targets would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_lint.engine.result import place
from lora_lint.report import terminal
from lora_lint.report.count_trained import Counted, Group, Missing, Strategy, count
from lora_lint.report.terminal import Segment
from lora_rules.engine._startup.typed import NamedTuple, TextIO
from lora_rules.recipe import Recipe


def params(recipes: tuple[Recipe, ...], form: str, stream: TextIO) -> None:
    """Write the counts, as ``text`` (styled on a terminal) or ``json``."""
    if form == "json":
        from lora_lint.report.params_json import render

        terminal.write_plain(render(recipes), stream)
    else:
        terminal.write(segments(recipes), stream)


def segments(recipes: Iterable[Recipe]) -> Iterator[Segment]:
    """Every recipe in styled pieces."""
    number = 0
    for number, recipe in enumerate(recipes, 1):
        if number > 1:
            yield "\n", ""
        yield place(recipe.path, recipe.span.cell, recipe.span.line), "strong"
        yield f"  {recipe.framework or recipe.dialect}\n", ""
        for one in count(recipe):
            yield from _told(one)
    if not number:
        yield "No LoRA recipe here.\n", ""


def _told(one: Counted | Missing) -> Iterator[Segment]:
    if isinstance(one, Missing):
        yield "\n  The trained parameters are not known: ", "warning"
        yield f"{one.why}.\n", ""
        return
    yield "\n  model  ", "also"
    yield f"{one.model}", "strong"
    yield f"  {one.total:,} parameters, from {one.source}\n", ""
    yield from _adapter(one)
    if one.strategies:
        yield from _strategies(one)


def _adapter(one: Counted) -> Iterator[Segment]:
    yield "  trained  ", "also"
    if one.trained is None:
        yield "not known", "warning"
        yield f": {one.why}\n", ""
        return
    yield f"{one.trained:,}", "strong"
    yield f"  {_share(one.trained, one.total)} of the model's\n\n", ""
    yield from _table([_Row(group.name, _sum(group), group.trained) for group in one.groups])


def _sum(group: Group) -> str:
    """As one would work it out by hand."""
    if group.whole:
        return "trained whole"
    experts = f"{group.experts} experts x " if group.experts > 1 else ""
    extra = f" + {group.extra:,}" if group.extra else ""
    each = f"{experts}{group.rank} x ({group.inputs:,} + {group.outputs:,}){extra}"
    return f"{group.modules} x {each}" if group.modules > 1 else each


def _strategies(one: Counted) -> Iterator[Segment]:
    yield f"\n  the same model at r={one.r}, by target_modules\n\n", "also"
    yield from _table(
        [
            _Row(strategy.name, _said(strategy), strategy.trained, one.total, strategy.is_this)
            for strategy in one.strategies
        ]
    )


def _said(strategy: Strategy) -> str:
    return strategy.targets if strategy.trained is not None else strategy.why


class _Row(NamedTuple):
    """A line of a table."""

    name: str
    middle: str
    number: int | None
    total: int = 0
    strong: bool = False


def _table(rows: list[_Row]) -> Iterator[Segment]:
    names = max(terminal.width(row.name) for row in rows)
    middles = max(terminal.width(row.middle) for row in rows)
    numbers = max(len(_number(row)) for row in rows)
    for row in rows:
        style = "strong" if row.strong else ""
        yield f"    {row.name}{' ' * (names - terminal.width(row.name))}  ", style
        yield f"{row.middle}{' ' * (middles - terminal.width(row.middle))}  ", "dim"
        yield f"{_number(row):>{numbers}}", style
        share = f"  {_share(row.number, row.total)}" if row.total and row.number else ""
        yield f"{share}{'  as it is here' if row.strong else ''}\n", style


def _number(row: _Row) -> str:
    return "-" if row.number is None else f"{row.number:,}"


def _share(part: int, total: int) -> str:
    share = 100 * part / total
    return f"{share:.2f} %" if share >= 0.1 else f"{share:.2g} %"
