"""How large a base model is: from the table of models, else from its name.

Names say it (``Qwen2.5-0.5B``, ``Llama-3.1-70B-Instruct``, ``gemma-3-270m``), and people rely on
it. A warning rule uses it only to be silent or to move a threshold, never as the reason to speak.
"""

from __future__ import annotations

from lora_rules.engine._startup.record import lazily
from lora_rules.engine.value import Unknown
from lora_rules.recipe import Recipe

SMALL = 2_000_000_000
"""Models below it have a hidden size below some 1,600 to 2,048."""
_SIZE = lazily(r"(?<![a-zA-Z\d.])(\d+(?:[._]\d+)?)([bBmM])(?![a-zA-Z])")
_EXPERTS = lazily(r"\d+x\d|-[aA]\d+(?:\.\d+)?[bB]")


def parameters_of(recipe: Recipe) -> int | None:
    """Parameters of the base model; ``None`` if neither the table nor its name tells."""
    name = recipe.known("model_name_or_path")
    if not isinstance(name, str):
        return None
    from lora_rules.facts.model.architecture import architecture  # few rules get as far as to ask

    try:
        return architecture(name, recipe.repository).parameters
    except Unknown:
        return size_in(name)


def size_in(name: str) -> int | None:
    """The size that a model's name says."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    found = _SIZE.search(last)
    if found is None:
        return None
    number, unit = found.groups()
    return int(float(number.replace("_", ".")) * (1e9 if unit in "bB" else 1e6))


def may_be_small(recipe: Recipe) -> bool:
    """Whether the base model is small, or its size is not known."""
    size = parameters_of(recipe)
    return size is None or size < SMALL


def is_large(recipe: Recipe, at_least: float) -> bool:
    """Whether a dense base model certainly has that many parameters."""
    name = recipe.known("model_name_or_path")
    if isinstance(name, str) and ("x" in name or "-a" in name.lower()) and _EXPERTS.search(name):
        return False
    size = parameters_of(recipe)
    return size is not None and size >= at_least
