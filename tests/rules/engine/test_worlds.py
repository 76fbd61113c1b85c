"""Which values belong together: worlds from choices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from lora_rules.engine.budgets import COMBINATIONS, WORLDS
from lora_rules.engine.injection import Outcome, evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.engine.value import Absent, Known, Partial, Unknown, Value, certainly, possibly
from lora_rules.engine.worlds import worlds_of
from lora_rules.recipe import Block, Blocks, Choice, Choices, Key, Origin, Recipe, Setting, Span

HERE = Span(1, 1, 1, 2)
FIRST, SECOND = (Choice("2:1", 0),), (Choice("2:1", 1),)


def setting(name: str, *candidates: object, choices: tuple[Choices, ...] = ()) -> Setting:
    return Setting(name, candidates, Origin.WRITTEN, name, span=HERE, choices=choices)


def recipe(*settings: Setting, blocks: tuple[Block, ...] = ()) -> Recipe:
    named = {each.name: each for each in settings}
    return Recipe("a.py", "python", "peft", HERE, named, blocks=blocks)


def run(check, *settings: Setting) -> Outcome:
    return evaluate(Rule("LL999", "test", Severity.WARNING, check), recipe(*settings), {})


def pairs(*settings: Setting) -> set[tuple[object, ...]]:
    names = [each.name for each in settings]
    found = worlds_of(recipe(*settings), names)
    assert found.complete
    return {
        tuple(
            world.recipe.settings[name].value if name in world.recipe.settings else None
            for name in names
        )
        for world in found.each
    }


def test_values_of_one_branch_belong_together() -> None:
    r = setting("r", 128, 4, choices=(FIRST, SECOND))
    alpha = setting("lora_alpha", 256, 8, choices=(FIRST, SECOND))
    assert pairs(r, alpha) == {(128, 256), (4, 8)}


def test_values_of_independent_choices_are_all_combined() -> None:
    assert pairs(setting("r", 4, 8), setting("lora_alpha", 1, 2)) == set(product((4, 8), (1, 2)))


def test_a_setting_without_a_value_in_a_world_is_absent_there() -> None:
    r = setting("r", 128, 4, choices=(FIRST, SECOND))
    dora = setting("use_dora", True, choices=(SECOND,))
    assert pairs(r, dora) == {(128, None), (4, True)}


def test_a_problem_of_a_pair_that_no_world_has_is_not_reported() -> None:
    def ratio(r: int, lora_alpha: float) -> Iterator[Problem]:
        if lora_alpha / r > 4:
            yield Problem("lora_alpha", f"{lora_alpha} / {r}")

    r = setting("r", 128, 4, choices=(FIRST, SECOND))
    alpha = setting("lora_alpha", 256, 8, choices=(FIRST, SECOND))
    assert run(ratio, r, alpha).found == ()
    crosswise = run(ratio, setting("r", 128, 4), setting("lora_alpha", 256, 8))
    assert [found.certain for found in crosswise.found] == [False]


def test_the_keys_that_a_rule_looks_at_make_worlds_too() -> None:
    def eight(blocks: Blocks) -> Iterator[Problem]:
        for key in blocks[0].keys:
            if key.name == "r" and 8 in key.candidates:
                yield Problem(key.span, "eight")

    def asked(*ranks: int) -> list[bool]:
        others = Key("seed", HERE, (1, 2, 3), HERE)
        block = Block("axolotl", HERE, (Key("r", HERE, ranks, HERE), others))
        rule = Rule("LL999", "test", Severity.WARNING, eight)
        return [found.certain for found in evaluate(rule, recipe(blocks=(block,)), {}).found]

    assert asked(4, 8) == [False]
    assert asked(8) == [True]
    assert asked(4, 5) == []


def test_a_nested_choice_counts_only_in_its_arm() -> None:
    inner = [(*FIRST, Choice("3:1", arm)) for arm in (0, 1)]
    r = setting("r", 8, 16, 4, choices=(*inner, SECOND))
    alpha = setting("lora_alpha", 1, 2, choices=(FIRST, SECOND))
    assert pairs(r, alpha) == {(8, 1), (16, 1), (4, 2)}


def test_a_key_and_its_setting_rest_on_the_same_choice() -> None:
    method = Setting("trainer_method", ("dpo", "grpo"), Origin.WRITTEN, "rl", span=HERE)
    block = Block("axolotl", HERE, (Key("rl", HERE, ("dpo", "grpo"), HERE),))
    found = worlds_of(recipe(method, blocks=(block,)), ["trainer_method", 0])
    for world in found.each:
        (key,) = world.recipe.blocks[0].keys
        assert key.candidates == world.recipe.settings["trainer_method"].candidates
    assert len(found.each) == 2


def test_more_worlds_than_are_looked_at_are_not_complete() -> None:
    names = ["a", "b", "c"]
    found = worlds_of(recipe(*(setting(n, *range(5)) for n in names)), names)
    assert not found.complete
    assert len(found.each) == WORLDS


def test_combinations_that_are_not_formed_are_worlds_that_may_be_missing() -> None:
    """Both values stand in many combinations each: they are seen, and others cannot be excluded."""
    many = tuple(Choice(f"{number}:1", 0) for number in range(20))
    other = tuple(Choice(f"{number}:1", 1) for number in range(20))
    assert COMBINATIONS < 2**20
    found = worlds_of(recipe(setting("r", 8, 16, choices=(many, other))), ["r"])
    assert not found.complete
    assert len(found.each) < WORLDS


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4), st.data())
def test_worlds_are_what_enumerating_the_arms_gives(sizes: list[int], data: st.DataObject) -> None:
    """Every assignment of an arm to each point, and what each setting is under it."""
    arms = [range(size) for size in sizes]
    settings = []
    for number in range(3):
        points = data.draw(st.sets(st.integers(0, len(sizes) - 1), max_size=2))
        rest_on = sorted(points)
        combos = list(product(*(arms[point] for point in rest_on)))
        choices = tuple(
            tuple(Choice(str(point), arm) for point, arm in zip(rest_on, combo, strict=True))
            for combo in combos
        )
        settings.append(setting(f"s{number}", *combos, choices=choices if points else ()))
    expected = set()
    for taken in product(*arms):
        world = []
        for each in settings:
            rest_on = [int(choice.point) for choice in each.choices[0]] if each.choices else []
            world.append(tuple(taken[point] for point in rest_on))
        expected.add(tuple(world))
    assume(len(expected) <= WORLDS)
    assert pairs(*settings) == expected


def test_a_rule_may_ask_for_whatever_is_known() -> None:
    states: list[Value] = []

    def ask(
        r: Value, lora_alpha: Value, target_modules: Value, use_dora: Value
    ) -> Iterator[Problem]:
        states.extend((r, lora_alpha, target_modules, use_dora))
        return iter(())

    unknown = Setting("lora_alpha", (), Origin.WRITTEN, "lora_alpha", reason="from a function")
    partial = Setting("target_modules", (), Origin.WRITTEN, "target_modules", elements=("q_proj",))
    run(ask, setting("r", 8), unknown, partial)
    r, alpha, targets, dora = states
    assert isinstance(r, Known)
    assert r.value == 8
    assert isinstance(alpha, Unknown)
    assert str(alpha) == "lora_alpha is unknown: from a function"
    assert isinstance(targets, Partial)
    assert targets.elements == ("q_proj",)
    assert isinstance(dora, Absent)
    assert certainly(r, 8)
    assert not certainly(alpha, 8)
    assert not certainly(dora, None)
    assert possibly(alpha, True)
    assert not possibly(dora, True)
    assert not possibly(r, 9)
