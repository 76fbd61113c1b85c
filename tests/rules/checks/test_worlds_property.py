"""Certain is what holds in every world, possible is what holds in some.

Each rule's Bad example is taken, and each setting is given a second candidate: a value that it has
in the rule's other examples, or in those of other rules. What the rule reports of both candidates
has to be what it reports of each alone: certain is the intersection, everything is the union. A
finding is its key and its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from lora_lint.engine.check import recipes_of
from lora_lint.engine.config import Config
from lora_lint.engine.rule_examples import ENDINGS
from lora_lint.sources.source import Source
from lora_rules.engine.injection import evaluate
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Block, Recipe, Setting
from pages import Example, examples

ABOUT_COMMENTS = ("LL090", "LL091")
ABOUT_SWEEPS = {"LL106": "it compares all values of a sweep, and has nothing to say of one"}
"""Rules whose answer is about the candidates as such."""
MOST = 4
"""Other values that are tried of a setting, those of the rule's own examples first."""
ENOUGH = 4
"""Firing instances that there are of each rule at the least."""
FEWER = {
    "LL202": "its page has no Bad example: it needs a file of rows",
    "LL904": "likewise",
    "LL908": "likewise",
    "LL021": "likewise: a declaration beside the file",
}
"""Rules whose Bad examples have no setting to change, and why."""

Id = tuple[object, str]


@cache
def recipes(example: Example) -> tuple[Recipe, ...]:
    text = example.without_marks
    source = Source(f"example.{ENDINGS[example.language]}", example.language, text.encode())
    return recipes_of(source, Config(), {})


def _pages() -> list[Example]:
    return [*examples("Bad"), *examples("Good")]


@cache
def pool() -> dict[str, list[object]]:
    """Every value that a setting has in any example, by the setting's name."""
    values: dict[str, list[object]] = {}
    for example in _pages():
        for recipe in recipes(example):
            for setting in recipe.settings.values():
                if len(setting.candidates) == 1:
                    seen = values.setdefault(setting.name, [])
                    if setting.candidates[0] not in seen:
                        seen.append(setting.candidates[0])
    return values


def with_candidates(recipe: Recipe, setting: Setting, *candidates: object) -> Recipe:
    """The recipe with other candidates of a setting, and of the key that it was written with."""
    changed = setting._replace(candidates=candidates, choices=())
    blocks = tuple(_with_key(block, setting, candidates) for block in recipe.blocks)
    return recipe._replace(settings={**recipe.settings, setting.name: changed}, blocks=blocks)


def _with_key(block: Block, setting: Setting, candidates: tuple[object, ...]) -> Block:
    keys = tuple(
        key._replace(candidates=candidates, choices=())
        if setting.span is not None and key.value_span == setting.span
        else key
        for key in block.keys
    )
    return block._replace(keys=keys)


def variants(rule: Rule) -> Iterator[tuple[Recipe, Setting, object]]:
    """Recipes of the Bad examples, each with a setting and another value for it."""
    own = [example for example in _pages() if example.rule.code == rule.code]
    nearest = [each for example in own for recipe in recipes(example) for each in values(recipe)]
    for example in own:
        if example.section != "Bad":
            continue
        for recipe in recipes(example):
            for setting in recipe.settings.values():
                if len(setting.candidates) != 1 or setting.choices:
                    continue
                mine = [value for name, value in nearest if name == setting.name]
                for other in _others(setting.candidates[0], [*mine, *pool()[setting.name]]):
                    yield recipe, setting, other


def values(recipe: Recipe) -> list[tuple[str, object]]:
    known = [each for each in recipe.settings.values() if len(each.candidates) == 1]
    return [(each.name, each.candidates[0]) for each in known]


def _others(own: object, values: list[object]) -> list[object]:
    seen = [own]
    for value in values:
        if value not in seen:
            seen.append(value)
    return seen[1 : 1 + MOST]


def reported(rule: Rule, recipe: Recipe) -> tuple[set[Id], set[Id]]:
    """What a rule reports: what is certain, and everything."""
    found = evaluate(rule, recipe, rule.options).found
    certain = {(each.problem.at, each.problem.key) for each in found if each.certain}
    return certain, {(each.problem.at, each.problem.key) for each in found}


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_certain_is_the_intersection_and_possible_the_union(rule: Rule) -> None:
    if rule.code in ABOUT_COMMENTS or rule.code in ABOUT_SWEEPS:
        return
    firing = 0
    for recipe, setting, other in variants(rule):
        own = setting.candidates[0]
        both = with_candidates(recipe, setting, own, other)
        _, first = reported(rule, with_candidates(recipe, setting, own))
        _, second = reported(rule, with_candidates(recipe, setting, other))
        certain, every = reported(rule, both)
        about = f"{setting.name}: {own!r} or {other!r}"
        assert every == first | second, about
        assert certain == first & second, about
        firing += bool(every)
    assert firing >= ENOUGH or rule.code in FEWER
    assert not (firing and rule.code in FEWER), "it needs no exception"
