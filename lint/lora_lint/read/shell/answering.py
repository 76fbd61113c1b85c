"""Commands that merge, export or answer with an adapter, and train none: their options are checked.

``swift export --ckpt_dir ...`` is no recipe. What it gives is one block of options for one program.
"""

from __future__ import annotations

from lora_lint.read.tree import Mapping
from lora_lint.translate.block import block_of
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.recipe import Recipe, Span


class Answering(NamedTuple):
    """A program that makes no adapter."""

    dialect: str
    program: str
    """As the libraries' signatures name it."""


_SWIFT = ("app", "deploy", "eval", "export", "infer", "merge-lora", "rollout", "sample")
_AXOLOTL = ("merge-lora", "preprocess")
"""Its commands that take options for keys of the file that they name, and no others; train and its
like hand those that they do not know to the launcher (``cli/main.py``)."""
PROGRAMS = {
    **{("swift", name): Answering("ms-swift", f"swift.{name}") for name in _SWIFT},
    **{("axolotl", name): Answering("axolotl", f"axolotl.{name}") for name in _AXOLOTL},
}
"""By program and subcommand."""
_MODULES = {"swift.cli": "swift"}
"""Packages whose modules are the subcommands of a program: ``python -m swift.cli.export``."""


def find(program: str, subcommand: str) -> Answering | None:
    """The program that a command starts, if it is one of these."""
    return PROGRAMS.get((program, subcommand.replace("_", "-")))


def of_module(name: str) -> Answering | None:
    """The program that ``swift.cli.export`` is, if it is one of these."""
    package, _, subcommand = name.rpartition(".")
    return find(_MODULES.get(package, ""), subcommand)


def recipe_of(
    found: Answering, options: Mapping, path: str, span: Span, *, complete: bool
) -> Recipe:
    """What the rules see of such a command: its options, and that it trains nothing.

    Args:
        found: the program.
        options: by name.
        path: the script.
        span: where the program stands.
        complete: no file has more of them.
    """
    block = block_of(options, found.dialect, frozenset(), strict=True)
    block = block._replace(complete=block.complete and complete)
    return Recipe(
        path=path,
        kind="shell",
        dialect=found.dialect,
        span=span,
        blocks=(block._replace(programs=(found.program,)),),
        result=True,
        framework=found.dialect,
    )
