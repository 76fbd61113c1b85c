"""What a library's call does to the objects that it touches: the rows of ``effects.py``.

A row is about one callee. It says which object comes out, and what was done to the model (or
tokenizer) that went in. The reader follows objects by it, and rules ask what was done to one.
"""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple

NEW = ""
"""What comes out is a new object."""
NEW_AND_MORE = "new and more"
"""What comes out is a tuple: a new object, and others."""
OWNER = "owner"
"""What comes out is the object whose method it is."""
FIRST = "first"
"""What comes out is the argument ``model``; where there is none of that name, the first."""
ARGUMENTS = "arguments"
"""What comes out are the positional arguments, one or several."""
FIRST_TWO = "first two"
"""What comes out are the first two arguments and something new."""
PART = "part"
"""What comes out is a view of the only object that goes in."""

ADDS = "adds an adapter"
"""A new adapter, which is trained; everything else is frozen."""
LOADS = "loads an adapter"
"""A trained adapter; frozen unless the call says otherwise."""
REMOVES = "removes the adapter"
MERGES = "merges the adapter"
ACTIVATES = "activates an adapter"
FREEZES = "freezes everything"
FREES = "may let something be trained"
RESIZES = "resizes the embedding"
REPLACES = "replaces weights"
SAVES = "saves"


class Effect(NamedTuple):
    """What a call does."""

    callee: str
    """Qualified; ``.name`` for a method of whatever object; one ``*`` stands for any text."""
    gives: str = NEW
    """Which object comes out, one of the words above."""
    wrapped: bool | None = None
    """Whether what comes out is PEFT's wrapper (or no longer is); ``None`` if that stays."""
    does: tuple[str, ...] = ()
    """What is done to the object that comes out, or whose method it is."""
    to: str = ""
    """The argument that it is done to, where that is another object."""
    given: str = ""
    """The argument without which it is not done."""
