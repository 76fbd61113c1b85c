"""How often the values of LoRA scripts are known: r, alpha, learning rate and base model.

``python tools/known_values.py FOLDER [--no-follow] [--list FILE]``: for each repository below a
folder, each script or notebook that configures an adapter; a table of the shares, and with
``--list`` every value with its place as JSON lines, to be compared with the sources by hand.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lora_lint.engine.run import Request, Run
from lora_lint.sources.discover import discover
from lora_lint.sources.source import PROGRAMS
from lora_rules.recipe import Recipe, Setting

NAMES = ("r", "lora_alpha", "learning_rate", "model_name_or_path")


def _sites(folder: str, *, follow: bool) -> list[Recipe]:
    run = Run(Request(follow=follow))
    recipes = [recipe for file in discover([folder]) for recipe in run.recipes(file)]
    return [each for each in recipes if _is_site(each)]


def _is_site(recipe: Recipe) -> bool:
    """Whether a script configures an adapter here; tests and copies of PEFT itself do not count."""
    parts = set(Path(recipe.path).parts)
    if recipe.kind not in PROGRAMS or recipe.result or {"tests", "peft", "peft-main"} & parts:
        return False
    return recipe.callee.endswith(("LoraConfig", ".get_peft_model"))


def _place(recipe: Recipe, setting: Setting | None) -> str:
    span = None if setting is None else setting.declared or setting.span
    return "" if span is None else f"{span.path or recipe.path}:{span.line}"


def _listed(recipe: Recipe) -> dict[str, object]:
    values: dict[str, object] = {"site": f"{recipe.path}:{recipe.span.line}"}
    for name in NAMES:
        setting = recipe.settings.get(name)
        known = list(setting.candidates) if setting is not None else []
        why = setting.reason if setting is not None else "not given"
        values[name] = [
            known,
            _place(recipe, setting),
            why if not known else setting.source if setting else "",
        ]
    return values


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-follow", action="store_true")
    parser.add_argument("--list", type=Path)
    arguments = parser.parse_args()
    sites: list[Recipe] = []
    for repository in sorted(arguments.folder.iterdir()):
        if repository.is_dir():
            sites += _sites(str(repository), follow=not arguments.no_follow)
    print(f"{len(sites)} sites")
    for name in NAMES:
        known = sum(
            bool(name in each.settings and each.settings[name].candidates) for each in sites
        )
        print(f"{name:<20} {known:>5} {known / max(len(sites), 1):>6.0%}")
    if arguments.list:
        lines = [json.dumps(_listed(each), default=str) for each in sites]
        arguments.list.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
