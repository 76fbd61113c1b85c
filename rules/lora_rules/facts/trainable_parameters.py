"""Fact ``trainable_parameters``: how many parameters an adapter trains, as PEFT 0.21.2 counts.

:mod:`lora_rules.facts.adapter` has the parts; ``tools/check_trainable_parameters.py`` compares the
counts with PEFT's own.
"""

from __future__ import annotations

from lora_rules.facts.adapter import Adapter, trained
from lora_rules.facts.architecture import Architecture
from lora_rules.recipe import Recipe


def trainable_parameters(
    architecture: Architecture,
    r: int,
    target_modules: list[str] | str | None = None,
    rank_pattern: dict[str, object] | None = None,
    modules_to_save: list[str] | None = None,
    exclude_modules: list[str] | str | None = None,
    layers_to_transform: list[int] | int | None = None,
    use_dora: bool = False,
    bias: str = "none",
    layers_pattern: list[str] | str | None = None,
    target_parameters: list[str] | None = None,
    trainable_token_indices: list[int] | dict[str, object] | None = None,
    lora_bias: bool = False,
    task_type: str | None = None,
    recipe: Recipe | None = None,
) -> int:
    """How many parameters the adapter trains.

    Raises:
        Unknown: if PEFT would refuse the configuration, or its count is not written down here.
    """
    adapter = Adapter(
        r,
        target_modules,
        rank_pattern,
        modules_to_save,
        exclude_modules,
        layers_to_transform,
        use_dora,
        bias,
        layers_pattern,
        target_parameters,
        trainable_token_indices,
        lora_bias,
        task_type,
        recipe,
    )
    return sum(part.count for part in trained(architecture, adapter))
