"""The annotations of a plugin's rules, with and without ``from __future__ import annotations``."""

import typing
from collections.abc import Mapping
from typing import Annotated, Any, Dict, List, Literal, Optional, Union  # noqa: UP035

import pytest

from lora_rules.engine.annotations import spelled
from lora_rules.engine.injection import evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.recipe import Origin, Recipe, Setting, Span


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (int, "int"),
        (bool, "bool"),
        (None, "None"),
        (Any, "object"),
        (list[str], "list[str]"),
        (list, "list"),
        (dict, "dict[str, object]"),
        (dict[str, int], "dict[str, object]"),
        (Mapping[str, object], "dict[str, object]"),
        (int | None, "int | None"),
        (Optional[list[str]], "list[str] | None"),  # noqa: UP045
        (Union[float, str], "float | str"),  # noqa: UP007
        (List[int], "list[int]"),  # noqa: UP006
        (Dict[str, Any], "dict[str, object]"),  # noqa: UP006
        (Annotated[int, "rows"], "int"),
        (Literal["none", "all"], "str"),
        (Setting, "Setting"),
        ("int", "int"),
        ("float | None", "float | None"),
        ("Optional[int]", "int | None"),
        ("typing.Union[int, str]", "int | str"),
        ("List[str] | None", "list[str] | None"),
        ("dict[str, Any]", "dict[str, object]"),
        ("not an annotation", "not an annotation"),
    ],
)
def test_every_way_to_write_a_type_is_one_text(written: object, text: str) -> None:
    assert spelled(written) == text


def of_a_plugin(r: int, lora_dropout: typing.Optional[float] = None):  # noqa: UP045
    """Its annotations are types, for this module does not import them from the future."""
    yield Problem("r", f"{r + 1} {lora_dropout}")


RULE = Rule("OUR001", "of-a-plugin", Severity.WARNING, of_a_plugin)


def recipe(**settings: object) -> Recipe:
    given = {
        name: Setting(name, (value,), Origin.WRITTEN, name) for name, value in settings.items()
    }
    return Recipe("a.yaml", "yaml", "axolotl", Span(1, 1, 1, 2), given)


def test_such_a_rule_meets_no_value_of_another_type() -> None:
    assert evaluate(RULE, recipe(r="sixty"), {}).not_run == "r is 'sixty', which is not int"
    assert evaluate(RULE, recipe(r=8, lora_dropout="x"), {}).not_run
    assert [each.problem.message for each in evaluate(RULE, recipe(r=8), {}).found] == ["9 None"]
