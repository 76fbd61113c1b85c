"""Which modules the adapter is put on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_rules.evidence import PEFT_SOURCE
from lora_rules.recipe import HANDED_ON, Recipe
from lora_rules.rule import Edit, Problem, Set, Severity, rule

ALL_LINEAR_SLIPS = frozenset({"all", "all_linear", "all-linears", "all linear", "alllinear", "*"})
"""What people write for "all-linear"; PEFT takes each for the name of a module."""
NAME = re.compile(r"[A-Za-z_][\w]*(\.[\w]+)*")
"""A module's name or the end of its path."""


@rule("LL402", Severity.ERROR, evidence=[PEFT_SOURCE])
def unmatched_target_module(
    recipe: Recipe, target_modules: list[str] | str, target_parameters: object = None
) -> Iterator[Problem]:
    r"""A target that no module of any model can match.

    ## What it checks
    Spellings in `target_modules` that PEFT cannot match whatever the model is: "all-linear"
    inside a list, its near misses ("all", "all_linear"), a text of names with commas, a single
    bare name as a text (PEFT matches a text against the whole path), expressions inside a list,
    quotes or empty names, an empty list. Frameworks that read the names themselves before PEFT
    gets them are left alone.

    ## Why it matters
    If nothing matches, PEFT raises after the model has been loaded. If something else in the
    list matches, the rest is skipped without a word, and part of the model is never trained.

    ## Bad
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules=["all-linear"])  # LL402: ["all-linear"]
    ```
    ```python
    from peft import LoraConfig

    names = "q_proj,v_proj"
    config = LoraConfig(r=16, lora_alpha=32, target_modules=names)  # LL402: names
    ```

    ## Good
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    ```
    ```python
    from peft import LoraConfig

    config = LoraConfig(r=16, lora_alpha=32, target_modules=r".*\\.(q_proj|v_proj)")
    ```

    ## When to ignore it
    When the model really has a module of that name at its top level.

    ## Options
    None.
    """
    if recipe.dialect not in HANDED_ON or recipe.domain == "image":
        return  # other programs read the names first: wildcards, "all", comma lists
    if isinstance(target_modules, str):
        yield from _text(target_modules)
    else:
        yield from _names(list(target_modules), bool(target_parameters))


def _text(target: str) -> Iterator[Problem]:
    if target.lower() == "all-linear":
        return
    if target.lower() in ALL_LINEAR_SLIPS:
        yield _problem(f'"{target}" is matched as an expression and fits no module', "all-linear")
    elif "," in target and NAME.fullmatch(target.split(",")[0].strip()):
        names = [name.strip() for name in target.split(",") if name.strip()]
        yield _problem(f'"{target}" is one text, not a list of names, and fits no module', names)
    elif NAME.fullmatch(target) and "." not in target:
        yield _problem(
            f'"{target}" as a text has to match a module\'s whole path, and fits none', [target]
        )
    elif not target:
        yield _problem("an empty text fits no module", "all-linear")


def _names(names: list[str], parameters: bool) -> Iterator[Problem]:
    if not names:
        if not parameters:
            yield Problem(
                "target_modules",
                "target_modules is empty: PEFT raises, no module is left to adapt.",
                help="Name the modules to adapt, or all linear layers.",
            )
        return
    for name in names:
        if name.lower() == "all-linear" or name.lower() in ALL_LINEAR_SLIPS:
            yield _problem(
                f'"{name}" in a list is taken for a module\'s name and fits none', "all-linear"
            )
            return
    odd = [name for name in names if not NAME.fullmatch(name) and not _is_path(name)]
    if odd:
        yield Problem(
            "target_modules",
            f"{', '.join(map(repr, odd))}: a list holds names, not expressions; "
            + ("this fits no module." if len(odd) == len(names) else "skipped without a word."),
            help="Write the names themselves, or one expression as a text.",
        )


def _is_path(name: str) -> bool:
    """Numbers may begin a part of a path (``layers.0.q_proj``, ``to_out.0``, ``0``)."""
    return re.fullmatch(r"[\w-]+(\.[\w-]+)*", name) is not None


def _problem(text: str, instead: object) -> Problem:
    edits: tuple[Edit, ...] = (Set("target_modules", instead),)
    return Problem(
        "target_modules",
        f"target_modules: {text}.",
        help=f"Write {instead!r}.",
        edits=edits,
    )
