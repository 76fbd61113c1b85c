"""What a rule's annotation lets through."""

from __future__ import annotations

import pytest

from lora_rules.engine.types import can_be, fits, is_annotation


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        ("int", 8, True),
        ("int", True, False),
        ("int", 8.0, False),
        ("int", "8", False),
        ("int", 10**101, False),
        ("float", 8, True),
        ("float", 0.5, True),
        ("float", False, False),
        ("float", float("inf"), False),
        ("float", float("nan"), False),
        ("bool", True, True),
        ("bool", 1, False),
        ("str", "a", True),
        ("str", None, False),
        ("str | None", None, True),
        ("list[str]", ["a"], True),
        ("list[str]", ("a",), True),
        ("list[str]", {"a"}, True),
        ("list[str]", "a", False),
        ("list[str]", ["a", 1], False),
        ("list[int]", [1], True),
        ("list[int]", [True], False),
        ("list[str] | str", "a", True),
        ("list", [1, "a"], True),
        ("dict[str, object]", {}, True),
        ("dict[str, object]", [], False),
        ("object", object(), True),
        ("Architecture", "anything", True),
    ],
)
def test_fits(annotation: str, value: object, expected: bool) -> None:
    assert fits(annotation, value) is expected


@pytest.mark.parametrize("text", ["int", "Setting", "float", "list[int] | int", "object", "Value"])
def test_an_annotation_says_something(text: str) -> None:
    assert is_annotation(text)


@pytest.mark.parametrize("text", ["flaot", "int | flaot", "list[float]", "", "int |"])
def test_an_annotation_says_nothing(text: str) -> None:
    assert not is_annotation(text)


@pytest.mark.parametrize(
    ("annotation", "declared", "expected"),
    [
        ("int", "float", True),
        ("float | None", "int", True),
        ("bool | str", "bool", True),
        ("list", "list[str] | str", True),
        ("list[str]", "list[int]", False),
        ("Setting", "str", True),
        ("object", "str", True),
        ("str", "object", True),
        ("str", "float", False),
        ("bool | None", "int", False),
    ],
)
def test_can_be(annotation: str, declared: str, expected: bool) -> None:
    assert can_be(annotation, declared) is expected
