"""The newest version that a repository's requirements allow (``transformers>=4.40,<5``)."""

from __future__ import annotations

import re
from functools import lru_cache

from lora_rules.facts.versions.requirement_files import requirement_texts
from lora_rules.recipe import Recipe


def stays_below(recipe: Recipe, package: str, version: tuple[int, ...]) -> bool:
    """Whether the nearest requirements that bound a package from above keep it below a version."""
    for texts in requirement_texts(recipe):
        found = [bound for text in texts for bound in _bounds(text, package)]
        if found:
            return all(
                bound < version or (bound == version[: len(bound)] and sign == "<")
                for sign, bound in found
            )
    return False


@lru_cache(maxsize=64)
def _bounds(text: str, package: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
    pattern = re.compile(
        rf"(?<![\w./-]){package}(?:\[[^\]\n]*\])?[^\n#;'\"]*?(?<![=~!<>])(<=?)\s*(\d+(?:\.\d+)*)",
        re.IGNORECASE,
    )
    return tuple(
        (sign, tuple(int(part) for part in bound.split(".")))
        for sign, bound in pattern.findall(text)
    )
