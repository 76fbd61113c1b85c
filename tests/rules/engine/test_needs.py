"""How a rule's parameters are filled, and what "unknown" means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_rules.engine import injection
from lora_rules.engine.askable import complaint
from lora_rules.engine.budgets import WORLDS
from lora_rules.engine.injection import Lazy, Outcome, _bare, evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.engine.value import Unknown
from lora_rules.recipe import Origin, Recipe, Setting, Span

HERE = Span(1, 1, 1, 2)


def setting(name: str, *candidates: object, reason: str = "") -> Setting:
    return Setting(name, candidates, Origin.WRITTEN, name, span=HERE, reason=reason)


def recipe(*settings: Setting) -> Recipe:
    return Recipe("a.py", "python", "peft", HERE, {each.name: each for each in settings})


def run(check, *settings: Setting, **options: object) -> Outcome:
    rule = Rule("LL999", "test", Severity.WARNING, check)
    return evaluate(rule, recipe(*settings), options)


def high(r: int, lora_alpha: float = 8.0, *, limit: int = 10) -> Iterator[Problem]:
    if r + lora_alpha > limit:
        yield Problem("r", f"r = {r}, lora_alpha = {lora_alpha}")


def test_a_known_value_fills_its_parameter() -> None:
    assert [found.problem.message for found in run(high, setting("r", 64)).found] == [
        "r = 64, lora_alpha = 8.0"
    ]


def test_an_absent_setting_falls_back_to_the_parameters_default() -> None:
    assert run(high, setting("r", 1)).found == ()


def test_an_unknown_setting_never_falls_back() -> None:
    outcome = run(high, setting("r", 64), setting("lora_alpha", reason="from a function"))
    assert outcome.found == ()
    assert outcome.not_run == "lora_alpha is unknown: from a function"


def test_an_absent_need_without_default_says_so() -> None:
    assert run(high).not_run == "r is not given"


def test_a_value_of_another_type_is_no_value() -> None:
    assert "not int" in run(high, setting("r", "64")).not_run
    assert "not int" in run(high, setting("r", True)).not_run
    assert "not float" in run(high, setting("r", 1), setting("lora_alpha", float("nan"))).not_run


def test_options_reach_the_rule() -> None:
    assert run(high, setting("r", 64), limit=100).found == ()


def test_a_problem_in_every_world_is_certain_and_in_some_is_possible() -> None:
    certain = run(high, setting("r", 64, 128)).found
    possible = run(high, setting("r", 1, 128)).found
    assert [found.certain for found in certain] == [True]
    assert [found.certain for found in possible] == [False]
    assert possible[0].problem.message.startswith("r = 128")


def test_of_too_many_worlds_some_are_looked_at_and_nothing_is_certain() -> None:
    outcome = run(high, setting("r", *range(9)), setting("lora_alpha", *map(float, range(9))))
    assert WORLDS < 81
    assert {found.certain for found in outcome.found} == {False}
    assert f"only {WORLDS} combinations" in outcome.not_all


def test_a_rule_may_ask_for_one_setting_as_it_is_and_never_for_the_recipe() -> None:
    def whole(recipe: Recipe) -> Iterator[Problem]:
        yield Problem("r", recipe.path)

    def as_setting(r: Setting) -> Iterator[Problem]:
        if r.key == "r":
            yield Problem("r", "seen")

    as_setting.__annotations__ = {"r": "Setting"}
    assert run(whole, setting("r", 8)).not_run == "recipe is not given"
    assert "recipe, which is no setting, fact or view" in complaint(whole)
    assert len(run(as_setting, setting("r", 8)).found) == 1


@given(st.lists(st.integers(-5, 40), min_size=1, max_size=6, unique=True))
def test_certain_exactly_when_it_holds_for_every_candidate(ranks: list[int]) -> None:
    outcome = run(high, setting("r", *ranks))
    holds = [rank + 8.0 > 10 for rank in ranks]
    assert [found.certain for found in outcome.found] == ([all(holds)] if any(holds) else [])


class Odd(Unknown):
    """Built from something else than its text."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__(f"{len(parts)} parts")
        self.parts = parts


def test_a_remembered_unknown_keeps_all_but_its_traceback() -> None:
    try:
        raise Odd(["a", "b"])
    except Odd as raised:
        bare = _bare(raised)
    assert isinstance(bare, Odd)
    assert (str(bare), bare.parts, bare.__traceback__) == ("2 parts", ["a", "b"], None)


def test_a_fact_that_is_not_called_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a value differs: then all that it depends on says which worlds there are."""
    looked_up: list[str] = []
    find = injection.find_fact
    monkeypatch.setattr(injection, "find_fact", lambda name: looked_up.append(name) or find(name))

    def rarely(r: int, memory_forecast: Lazy) -> Iterator[Problem]:
        if r > 1000:
            memory_forecast()
        yield Problem("r", str(r))

    assert len(run(rarely, setting("r", 8)).found) == 1
    assert looked_up == []
    assert len(run(rarely, setting("r", 8, 16)).found) == 1
    assert "memory_forecast" in looked_up
