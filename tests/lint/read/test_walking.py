"""The walkers give what Python's own give."""

from __future__ import annotations

import ast

import pytest

from lora_lint.read.python.walking import nodes, operands

EXPRESSIONS = (
    "a",
    "not a.b and c[1:x] in {**d, 'k': f(*g, h=i)}",
    "x if y < z <= 3 else [i for i in range(n) if i]",
    "f'{a!r:>{w}}' + (lambda p=q, *r: s)(t)",
    "(yield (await u)) or (v := -w)",
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_node_is_met_once(text: str) -> None:
    tree = ast.parse(text, mode="eval").body
    met = list(nodes(tree))
    every = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
    with_contexts = {id(node) for node in met if isinstance(node, ast.expr_context)}
    met = [node for node in met if id(node) not in with_contexts]
    assert sorted(map(id, met)) == sorted(map(id, every))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_operands_are_the_expressions_right_below(text: str) -> None:
    for node in ast.walk(ast.parse(text, mode="eval").body):
        below = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        assert operands(node) == below
