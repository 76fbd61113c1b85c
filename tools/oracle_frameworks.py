"""Asks a framework's own validator and the linter about mutated recipes, and compares.

    python tools/oracle_frameworks.py axolotl --python ENV/bin/python RECIPES [--draws N] [--seed N]

``ENV`` is an environment in which the framework is installed (``tools/oracles/README.md``);
RECIPES are files and folders of sound configurations, of which those that the framework refuses
are left out. Half of the draws are refused by the framework. Misspelt keys are counted apart.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path[:0] = [str(Path(__file__).parent)]

from oracles.mutations import KINDS, Config, Mutation, Schema, mutate, pooled  # noqa: E402
from oracles.nested import flattened  # noqa: E402
from oracles.verdicts import Recipe, Verdict, judge  # noqa: E402

ORACLES = Path(__file__).parent / "oracles"


class Framework:
    """A framework's validator, in an environment of its own."""

    def __init__(self, name: str, python: str) -> None:
        self.name = name
        self._command = [python, str(ORACLES / f"{name}_answers.py")]

    def schema(self, recipes: list[Config]) -> Schema:
        """Its fields, the keys that one validator reads, and the values that recipes have."""
        fields = (line.split(" ", 1) for line in self._run("fields") if line[0] != "#")
        groups = tuple(tuple(line.split()) for line in self._run("groups"))
        known = {key: tuple(kinds.split("|")) for key, kinds in fields}
        return Schema(known, groups, pooled(recipes))

    def answers(self, configs: list[Config]) -> list[dict[str, Any]]:
        """Its answer to each configuration."""
        asked = "".join(json.dumps(each) + "\n" for each in configs)
        return [json.loads(line) for line in self._run(asked=asked)]

    def _run(self, *arguments: str, asked: str = "") -> list[str]:
        done = subprocess.run(
            [*self._command, *arguments],
            input=asked,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{' '.join(self._command)} failed:\n{done.stderr[-2000:]}")
        return done.stdout.splitlines()


def main() -> None:
    """Draw, ask both, print the table and every disagreement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framework")
    parser.add_argument("recipes", nargs="+", type=Path)
    parser.add_argument("--python", required=True)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every draw with both answers")
    options = parser.parse_args()
    framework = Framework(options.framework, options.python)
    chance = random.Random(options.seed)  # noqa: S311
    recipes = list(sound(framework, options.recipes))
    schema = framework.schema([config for _name, config in recipes])
    verdicts = list(drawn(framework, recipes, schema, options.draws, chance))
    for line in table(verdicts):
        print(line)
    if options.json:
        options.json.write_text(
            "".join(json.dumps(_record(verdict), sort_keys=True) + "\n" for verdict in verdicts)
        )


def sound(framework: Framework, paths: list[Path]) -> Iterator[tuple[str, Config]]:
    """The recipes that the framework accepts, with their names."""
    files = [file for path in paths for file in _files(path)]
    read = [(str(file), yaml.safe_load(file.read_text())) for file in files]
    mappings = [(name, flattened(config)) for name, config in read if isinstance(config, dict)]
    answers = framework.answers([config for _name, config in mappings])
    for (name, config), answer in zip(mappings, answers, strict=True):
        if not answer["refused"] and answer["lora"]:
            yield name, config


def _files(path: Path) -> list[Path]:
    return sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]


def drawn(
    framework: Framework,
    recipes: list[tuple[str, Config]],
    schema: Schema,
    draws: int,
    chance: random.Random,
) -> Iterator[Verdict]:
    """Verdicts, half of them of what the framework refuses."""
    wanted = {True: draws // 2, False: draws - draws // 2}
    while any(wanted.values()):
        batch = [_draw(recipes, schema, chance) for _ in range(200)]
        answers = framework.answers([mutation.config for _name, _config, mutation in batch])
        for (name, config, mutation), answer in zip(batch, answers, strict=True):
            if answer.get("other"):
                continue  # another tuner, which the linter leaves to itself
            refused = bool(answer["refused"]) or mutation.kind == "misspelt"
            if wanted[refused]:
                wanted[refused] -= 1
                yield judge(mutation, Recipe(name, config), answer["refused"])


def _draw(
    recipes: list[tuple[str, Config]], schema: Schema, chance: random.Random
) -> tuple[str, Config, Mutation]:
    while True:
        name, config = chance.choice(recipes)
        kind = chance.choices(KINDS, (1, 2, 3, 6))[0]
        if mutation := mutate(config, kind, schema, chance):
            return name, config, mutation


def table(verdicts: list[Verdict]) -> Iterator[str]:
    """Refused and reported, accepted and called an error, by kind; then the disagreements."""
    for kind in KINDS:
        of_kind = [each for each in verdicts if each.mutation.kind == kind]
        refused = [each for each in of_kind if each.refused or kind == "misspelt"]
        reported = sum(each.same_key for each in refused)
        accepted = len(of_kind) - len(refused)
        false = sum(each.false_error for each in of_kind)
        later = sum(each.later_error for each in of_kind)
        yield f"{kind:10} refused {len(refused):4}, reported {reported:4}; " + (
            f"accepted {accepted:4}, called an error {false:3} (of a later stage: {later})"
        )
    for each in verdicts:
        if each.false_error:
            shown = "; ".join(f"{f.full_code} {f.message}" for f in each.reported)
            yield f"FALSE {_changed(each.mutation)}: {shown}"
    missed: Counter[str] = Counter()
    example: dict[str, str] = {}
    for each in verdicts:
        if each.refused and not each.same_key:
            reason = " ".join(each.refused.split()).partition(" [type=")[0][-150:]
            missed[reason] += 1
            example[reason] = _changed(each.mutation)
    for reason, count in missed.most_common():
        yield f"MISSED {count} x {reason} | {example[reason]}"


def _changed(mutation: Mutation) -> str:
    return ", ".join(f"{key}={mutation.config.get(key)!r}" for key in mutation.keys)


def _record(verdict: Verdict) -> dict[str, Any]:
    """What a test needs to compare again: the recipe, what was changed in it, and the answer."""
    mutation, recipe = verdict.mutation, verdict.recipe
    return {
        "recipe": Path(recipe.name).name,
        "kind": mutation.kind,
        "keys": mutation.keys,
        "set": {
            key: value
            for key, value in mutation.config.items()
            if key not in recipe.config or recipe.config[key] != value
        },
        "removed": sorted(recipe.config.keys() - mutation.config.keys()),
        "refused": " ".join(verdict.refused.split())[:200],
    }


if __name__ == "__main__":
    main()
