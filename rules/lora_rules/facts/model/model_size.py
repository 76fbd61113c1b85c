"""Fact ``model_size``: how large a base model is, from the table of models, else from its name.

Names say it (``Qwen2.5-0.5B``, ``Llama-3.1-70B-Instruct``, ``gemma-3-270m``), and people rely on
it. A warning rule uses it only to be silent or to move a threshold, never as the reason to speak.
"""

from __future__ import annotations

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Known, Unknown, Value
from lora_rules.repository import Repository

_SIZE = lazily(r"(?<![a-zA-Z\d.])(\d+(?:[._]\d+)?)([bBmM])(?![a-zA-Z])")
_EXPERTS = lazily(r"\d+x\d|-[aA]\d+(?:\.\d+)?[bB]")


class ModelSize(NamedTuple):
    """How large a base model is, as far as that is known."""

    parameters: int | None
    """``None`` where neither the table nor its name says it."""
    has_experts: bool = False
    """Its name says that a token passes a part of it only."""

    def is_small(self, below: float) -> bool:
        """Whether a base model certainly has fewer parameters."""
        return self.parameters is not None and self.parameters < below

    def is_large(self, at_least: float) -> bool:
        """Whether a dense base model certainly has that many parameters."""
        if self.has_experts or self.parameters is None:
            return False
        return self.parameters >= at_least


def model_size(model_name_or_path: Value, repository: Repository) -> ModelSize:
    """The size of the base model."""
    name = model_name_or_path.value if isinstance(model_name_or_path, Known) else None
    if not isinstance(name, str):
        return ModelSize(None)
    experts = ("x" in name or "-a" in name.lower()) and _EXPERTS.search(name) is not None
    return ModelSize(_parameters(name, repository), experts)


def _parameters(name: str, repository: Repository) -> int | None:
    from lora_rules.facts.model.architecture import architecture  # few rules get as far as to ask

    try:
        return architecture(name, repository).parameters
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
