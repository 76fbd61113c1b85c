"""``lora-launch simulate``: the memory of a run, step by step, without a GPU.

The recipe is read and translated before torch is imported, so what cannot be simulated is said at
once. The exit code is 0, 1 for a run that its GPU will not hold, 2 for one that cannot be told.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_launch.plan.simulate_report import Simulated
    from lora_launch.simulator.translate import Translated
    from lora_rules.recipe import Recipe

FINE, TOO_LARGE, TROUBLE = 0, 1, 2
MOST = 4
"""More combinations of candidates than this are a sweep, whose members take too long."""


class CannotSimulate(Exception):
    """Why there is no simulation, in a sentence for the author of the recipe."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", metavar="FILE", help="a recipe that lora-lint reads")
    parser.add_argument("--svg", metavar="FILE", help="write the time line as a picture")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--gpu", metavar="NAME", help='the GPU: "RTX 4090", "A100 80GB", "24 GB"')
    parser.add_argument("--world-size", type=int, metavar="N", help="how many of them")
    parser.add_argument("--max-length", type=int, metavar="N", help="tokens of a sequence")


def run(options: argparse.Namespace) -> int:
    """Read, simulate, tell; the answer is the exit code."""
    from lora_launch.plan.simulate_report import document, text

    try:
        translated = list(translations(options))
        found = [_simulate(each) for each in translated]
        _draw(options.svg, found)
    except CannotSimulate as error:
        sys.stderr.write(f"lora-launch: {options.file}: {error}\n")
        return TROUBLE
    sys.stdout.write(document(found) if options.format == "json" else text(found, sys.stdout))
    too_large = any(each.simulation.verdict == "out of memory" for each in found)
    return TOO_LARGE if too_large else FINE


def translations(options: argparse.Namespace) -> Iterator[Translated]:
    """Every run that the file describes. No torch is imported here.

    Raises:
        CannotSimulate: with what is not known, or not simulated.
    """
    from lora_launch.simulator.translate import translate, translated
    from lora_lint.engine.result import place
    from lora_rules.engine.injection import in_every_world
    from lora_rules.engine.value import Unknown

    for recipe in _recipes(options):
        where = place(recipe.path, recipe.span.cell, recipe.span.line)
        try:
            every = in_every_world(translate, recipe, translated)
            if len(every) > MOST:
                raise Unknown(f"its candidates make {len(every)} runs; name one")
            yield from every
        except Unknown as missing:
            raise CannotSimulate(f"{where.rpartition(':')[2]}: {missing}") from None


def _recipes(options: argparse.Namespace) -> list[Recipe]:
    from lora_lint.engine.config import ConfigError
    from lora_lint.engine.run import Request, Run
    from lora_lint.sources.discover import Found

    named = {"gpu": options.gpu, "gpu_count": options.world_size, "max_length": options.max_length}
    declared = {name: value for name, value in named.items() if value is not None}
    for name in ("world_size", "max_length"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise CannotSimulate(f"--{name.replace('_', '-')} must be at least 1, not {value}")
    if not os.path.isfile(options.file):
        raise CannotSimulate("there is no such file")
    try:
        reader = Run(Request(declared=declared))
        found = [one for one in reader.recipes(Found(options.file, named=True)) if not one.result]
    except ConfigError as error:
        raise CannotSimulate(str(error)) from None
    if reader.troubles:
        raise CannotSimulate(reader.troubles[0].message)
    if not found:
        raise CannotSimulate("lora-lint finds no LoRA recipe in it")
    return found


def _simulate(translated: Translated) -> Simulated:
    """Simulate one run, with torch.

    Raises:
        CannotSimulate: if a package is missing, or one of the libraries refuses the run.
    """
    from lora_launch.plan.simulate_report import Simulated
    from lora_launch.simulator import BadRun, simulate
    from lora_lint.report.memory_outlook import tell

    try:
        found = simulate(translated.run)
    except BadRun as error:
        raise CannotSimulate(str(error)) from None
    except ModuleNotFoundError as error:
        raise CannotSimulate(
            f"the simulator needs {error.name}: pip install 'lora-lint[launch]'"
        ) from None
    return Simulated(translated, found, tell(translated.recipe))


def _draw(target: str | None, found: list[Simulated]) -> None:
    """Write the pictures; of several runs the second is ``name-2.svg`` and so on."""
    if target is None:
        return
    from lora_launch.simulator.svg import picture

    stem, ending = os.path.splitext(target)
    for number, each in enumerate(found, 1):
        path = target if number == 1 else f"{stem}-{number}{ending}"
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(picture(each.simulation))
        except OSError as error:
            raise CannotSimulate(f"{path} cannot be written: {error.strerror}") from None
