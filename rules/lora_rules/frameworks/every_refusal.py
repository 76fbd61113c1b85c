"""The refusals of every framework: ``REFUSALS`` of ``frameworks/<folder>/refusals.py``.

A framework that hands its keys to a library lists the library's refusals beside its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module

from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Refusals


def refusals_of(framework: str) -> tuple[Refusals, ...]:
    """What is refused in a file of a framework; only its own module is imported."""
    folder = framework.replace("-", "_")
    if not os.path.isfile(os.path.join(os.path.dirname(__file__), folder, "refusals.py")):
        return ()
    module = import_module(f"lora_rules.frameworks.{folder}.refusals")
    refusals: tuple[Refusals, ...] = module.REFUSALS
    return refusals


def every_refusal() -> Iterator[Refusals]:
    """What is refused in the files of all frameworks, a library's refusals once for each."""
    for folder in sorted(os.listdir(os.path.dirname(__file__))):
        yield from refusals_of(folder)
