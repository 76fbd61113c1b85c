"""What a plugin imports: the names that stay where they are."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.keys import KeyPage
from lora_rules.engine.problem import Add, Problem, Remove, Rename, Safety, Set, Severity
from lora_rules.engine.registry import fact, rule
from lora_rules.engine.value import Absent, Unknown
from lora_rules.evidence import Source
from lora_rules.frameworks import register_framework
from lora_rules.recipe import Recipe, Span

__all__ = [
    "Absent",
    "Add",
    "Behaviour",
    "KeyPage",
    "Problem",
    "Recipe",
    "Remove",
    "Rename",
    "Safety",
    "Set",
    "Severity",
    "Source",
    "Span",
    "Unknown",
    "fact",
    "register_framework",
    "rule",
]
