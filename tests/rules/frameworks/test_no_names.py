"""Rules and facts ask a framework how it behaves; none of them compares a framework's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from lora_lint.translate.framework import names

RULES = ROOT / "rules" / "lora_rules"
FOLDERS = (RULES / "frameworks", RULES / "libraries")
OWN = {
    each.parent.name.replace("_", "-")
    for folder in FOLDERS
    for each in folder.glob("*/behaviour.py")
}
"""What has a behaviour of its own, scripts of PEFT and Unsloth among them."""
NAMES = OWN | set(names())
PACKAGES = {
    "facts/versions/pins.py": {
        *("peft", "trl", "torchtune", "autotrain", "verl", "openrlhf", "llamafactory"),
        *("axolotl", "litgpt", "ludwig", "oumi"),
    },
    "checks/scripts/calls.py": {"peft", "trl"},
    "checks/scripts/refused_inputs.py": {"trl"},
    "checks/scripts/refused_script.py": {"trl"},
}
"""Where such a text is the name of a Python package: that is pinned, or whose calls are known."""


def modules() -> list[Path]:
    return sorted(path for part in ("checks", "facts") for path in (RULES / part).rglob("*.py"))


def texts(node: ast.expr | None) -> Iterator[str]:
    """The texts that an operand is, or consists of."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for each in node.elts:
            yield from texts(each)
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("frozenset", "set"):
        for each in node.args:
            yield from texts(each)


def compared(source: str) -> set[str]:
    """Texts that code compares with, or has as keys of a mapping, matched cases or sets."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            for operand in (node.left, *node.comparators):
                found.update(texts(operand))
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                found.update(texts(key))
        elif isinstance(node, ast.Set | ast.Call):
            found.update(texts(node))
        elif isinstance(node, ast.MatchValue):
            found.update(texts(node.value))
        elif isinstance(node, ast.Subscript):
            found.update(texts(node.slice))
    return found


@pytest.mark.parametrize(
    "source",
    [
        'if recipe.dialect == "axolotl": pass',
        'if recipe.dialect not in ("peft", "axolotl"): pass',
        'X = {"axolotl": 1}',
        'X = frozenset(["axolotl"])',
        'X = {"axolotl"}',
        'match name:\n    case "axolotl": pass',
        'TABLE["axolotl"]',
    ],
)
def test_a_comparison_is_seen(source: str) -> None:
    assert "axolotl" in compared(source)


def test_a_message_may_name_a_framework() -> None:
    assert not compared('def f():\n    """axolotl"""\n    raise Unknown("axolotl")') & NAMES


def test_the_names_are_those_of_all_frameworks() -> None:
    assert {"axolotl", "ms-swift", "unsloth", "peft", "xtuner", "trl", "verl", "openrlhf"} <= NAMES


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_no_rule_and_no_fact_compares_a_framework_s_name(path: Path) -> None:
    allowed = PACKAGES.get(path.relative_to(RULES).as_posix(), set())
    assert compared(path.read_text(encoding="utf-8")) & NAMES <= allowed


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_none_asks_for_the_name_at_all(path: Path) -> None:
    """A name that nobody has cannot be compared; a trainer's is only for messages and look-ups."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    assert not [each for each in nodes if getattr(each, "attr", "") == "dialect"]
    operands = [
        side
        for each in nodes
        if isinstance(each, ast.Compare)
        for side in (each.left, *each.comparators)
    ]
    assert not [each for each in operands if getattr(each, "attr", "") in ("trainer", "label")]
