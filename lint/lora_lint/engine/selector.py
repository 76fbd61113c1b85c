"""A word that names rules, or one refusal of a rule, in settings, comments and on the command line.

``LL1``, ``LL102``, ``alpha-rank-ratio-out-of-range``; of a rule whose refusals have keys also
``LL012:axolotl/qlora-needs-load-in-4bit``, and ``LL012:axolotl`` for all of one framework.
"""

from __future__ import annotations


def means(selector: str, code: str, name: str, key: str = "") -> bool:
    """Whether a word means a finding's rule, or with a colon the finding's key."""
    rule, colon, wanted = selector.partition(":")
    if not colon:
        return code.startswith(rule) or name == rule
    return rule in (code, name) and (key == wanted or key.startswith(f"{wanted}/"))


def rule_part(selector: str) -> str:
    """The part of a word that names the rule."""
    return selector.partition(":")[0]
