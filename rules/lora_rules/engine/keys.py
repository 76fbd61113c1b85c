"""Keys of refusals: one rule reports many, and each has a name of its own.

A finding of such a rule is written ``LL012:axolotl/qlora-needs-load-in-4bit`` wherever a code can
stand. The part before the slash is who refuses. A key is never renamed once it is released.
"""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_rules.engine.problem import Severity

SHAPE = r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*"
"""What a key looks like: who refuses, and what."""


class KeyPage(NamedTuple):
    """What the documentation says of one key."""

    key: str
    """``axolotl/qlora-needs-load-in-4bit``."""
    says: str
    """What is refused, and what then happens: whole sentences."""
    do: str = ""
    """How to repair it."""
    source: str = ""
    """Where the library or framework does so; empty where the rule's evidence says it."""
    moment: str = ""
    """When it is refused, a sentence; empty where the rule's page says it."""
    why: str = ""
    """The reason, in sentences, where it is not plain from what is refused."""
    since: str = ""
    """The first version that refuses it, where that is known."""
    severity: Severity | None = None
    """Only where it is another than the rule's."""

    @property
    def owner(self) -> str:
        """Who refuses: ``axolotl``."""
        return self.key.partition("/")[0]


def kebab(name: str) -> str:
    """A setting's name as a part of a key."""
    return name.replace("_", "-").replace(".", "-")


def full_code(code: str, key: str) -> str:
    """A code, with the key of what is refused where there is one."""
    return f"{code}:{key}" if key else code


def is_well_formed(key: str) -> bool:
    """Whether a key looks as all do."""
    import re  # not where a file is linted

    return re.fullmatch(SHAPE, key) is not None
