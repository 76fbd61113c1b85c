"""What a plugin imports: the names that stay where they are."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Add, Problem, Remove, Rename, Safety, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import Evidence
from lora_rules.frameworks import register_framework
from lora_rules.recipe import Recipe, Span

__all__ = [
    "Add",
    "Behaviour",
    "Evidence",
    "Problem",
    "Recipe",
    "Remove",
    "Rename",
    "Safety",
    "Set",
    "Severity",
    "Span",
    "register_framework",
    "rule",
]
