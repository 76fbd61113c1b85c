"""The refusals of every framework: ``REFUSALS`` of ``frameworks/<folder>/refusals.py``.

A framework that hands its keys to a library lists the library's refusals beside its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.frameworks.registry import refusals_of

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Refusals


def every_refusal() -> Iterator[Refusals]:
    """What is refused in the files of all frameworks, a library's refusals once for each."""
    for folder in sorted(os.listdir(os.path.dirname(__file__))):
        if os.path.isfile(os.path.join(os.path.dirname(__file__), folder, "refusals.py")):
            yield from refusals_of(folder.replace("_", "-"))
