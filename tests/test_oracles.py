"""What frameworks answered to mutated recipes, against what the linter reports today.

The answers are recorded (``tools/oracles/README.md``); fresh ones are drawn by hand.
"""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from conftest import ROOT

sys.path.append(str(ROOT / "tools"))
from oracles.mutations import Mutation
from oracles.nested import flattened
from oracles.verdicts import Recipe, Verdict, judge

DRAWS = sorted((ROOT / "tests" / "data" / "oracles").glob("*.jsonl"))


def verdicts(framework: str, lines: list[str]) -> list[Verdict]:
    folder = ROOT / "tools" / "oracles" / "recipes" / framework
    recipes = {
        path.name: flattened(yaml.safe_load(path.read_text())) for path in folder.glob("*.yaml")
    }
    return [_verdict(json.loads(line), recipes) for line in lines]


def _verdict(draw: dict, recipes: dict[str, dict]) -> Verdict:
    recipe = Recipe(draw["recipe"], recipes[draw["recipe"]])
    kept = {key: value for key, value in recipe.config.items() if key not in draw["removed"]}
    mutation = Mutation(draw["kind"], kept | draw["set"], tuple(draw["keys"]))
    return judge(mutation, recipe, draw["refused"])


@pytest.mark.slow
@pytest.mark.parametrize("draws", DRAWS, ids=lambda path: path.stem)
def test_what_a_framework_refuses_is_reported_and_what_it_accepts_is_no_error(draws) -> None:
    found = verdicts(draws.stem, draws.read_text().splitlines())
    refused = [each for each in found if each.refused and each.mutation.kind != "misspelt"]
    accepted = [each for each in found if not each.refused]
    assert len(refused) >= 100
    assert len(accepted) >= 100
    assert sum(each.same_key for each in refused) >= 0.85 * len(refused)
    assert sum(each.false_error for each in accepted) <= 0.005 * len(accepted)
