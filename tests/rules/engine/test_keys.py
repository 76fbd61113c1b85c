"""Keys of refusals: their shape, that no two are the same, and that none is renamed unawares."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_rules.engine.keys import KeyPage, full_code, is_well_formed, kebab
from lora_rules.engine.problem import Problem
from lora_rules.engine.refusals import Refusal, Refusals, judge, written
from lora_rules.engine.registry import all_rules
from lora_rules.frameworks.every_refusal import every_refusal
from lora_rules.frameworks.registry import refusals_of
from lora_rules.recipe import Block, Key, Span

FROZEN = Path(__file__).parents[2] / "data" / "keys.txt"
"""Every key that people may have written down. A line is added for a new one, and none is ever
changed or removed: where a library no longer refuses something, the key stays known."""


def pages() -> dict[str, KeyPage]:
    return {
        full_code(code, key): page
        for code, rule in all_rules().items()
        for key, page in rule.keys.items()
    }


def test_the_keys_are_those_that_were_given_out() -> None:
    assert list(pages()) == FROZEN.read_text().splitlines()


def test_four_rules_have_keys() -> None:
    assert {code for code, rule in all_rules().items() if rule.keys} == {
        "LL002",
        "LL011",
        "LL012",
        "LL415",
    }


def test_every_key_is_well_formed() -> None:
    assert [code for code, page in pages().items() if not is_well_formed(page.key)] == []


@pytest.mark.parametrize(
    "key", ["axolotl", "axolotl/", "axolotl/a_b", "Axolotl/a", "a/b/c", "a--b/c"]
)
def test_what_is_no_key(key: str) -> None:
    assert not is_well_formed(key)


def test_no_two_refusals_share_a_key() -> None:
    rows = {(refusals.owner, id(row)): row for refusals in every_refusal() for row in refusals.rows}
    keys = [f"{owner}/{row.key}" for (owner, _), row in rows.items()]
    assert sorted(keys) == sorted(set(keys))


def test_no_key_is_the_beginning_of_another() -> None:
    """``LL012:axolotl`` means all of axolotl's, so that no key may be called like its owner."""
    owners = {page.owner for page in pages().values()}
    assert owners.isdisjoint(page.key for page in pages().values())


def test_every_page_says_what_is_refused_in_sentences() -> None:
    wrong = [
        code
        for code, page in pages().items()
        for text in (page.says, page.do, page.why, page.moment)
        if text and not text.endswith((".", ").", '."'))
    ]
    assert wrong == []


def test_a_library_is_read_once_for_each_framework_that_hands_keys_to_it() -> None:
    owners = [[each.owner for each in refusals_of(name)] for name in ("llamafactory", "trl")]
    assert owners == [["llamafactory", "transformers"], ["trl", "trl", "trl", "transformers"]]
    assert refusals_of("generic") == refusals_of("no-such-framework") == ()


def test_a_framework_is_looked_up_under_the_name_of_its_folder() -> None:
    assert [each.owner for each in refusals_of("nemo-automodel")] == ["nemo-automodel"]


def test_a_problem_has_the_key_of_its_row() -> None:
    row = Refusal("a-with-b", "b", (), "a with b", "Remove one.")
    table = Refusals("some-framework", "Some Framework", (row,), "here", "At once.")
    place = Span(1, 1, 1, 2)
    block = Block("", place, (Key("b", place, candidates=(1,)),))
    (problem,) = judge(written(block), table)
    assert isinstance(problem, Problem)
    assert problem.key == "some-framework/a-with-b"
    assert problem.message == "a with b: Some Framework raises ValueError."


def test_a_setting_as_a_part_of_a_key() -> None:
    assert kebab("train.max_tokens") == "train-max-tokens"
