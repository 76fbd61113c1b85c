"""Fact ``trainable_parameters``: how many parameters an adapter trains, as PEFT 0.21.2 counts.

:mod:`lora_rules.facts.adapter.adapter` has the parts; ``tools/check_trainable_parameters.py``
compares the counts with PEFT's own.
"""

from __future__ import annotations

from lora_rules.facts.adapter.adapter import Adapter, trained
from lora_rules.facts.model.architecture import Architecture


def trainable_parameters(architecture: Architecture, adapter: Adapter) -> int:
    """How many parameters the adapter trains.

    Raises:
        Unknown: if PEFT would refuse the configuration, or its count is not written down here.
    """
    return sum(part.count for part in trained(architecture, adapter))
