"""What a framework says of data sets that are declared in a file of their own."""

from __future__ import annotations

from lora_rules.engine._startup.typed import NamedTuple


class Complaint(NamedTuple):
    """What is wrong with a declaration."""

    says: str
    """A sentence without its full stop, which names the file and the entry."""
    do: str
    fails: bool = True
    """The run ends with an exception; otherwise something is passed over without a word."""
