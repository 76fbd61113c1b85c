"""Whether a parameter is there in the versions that are allowed, and when it came or went."""

from __future__ import annotations

from lora_rules.engine.problem import Problem, Rename, Severity
from lora_rules.engine.version_range import VersionRange
from lora_rules.libraries import signatures
from lora_rules.libraries.renamed_options import DISTRIBUTIONS
from lora_rules.libraries.successors import Successor
from lora_rules.recipe import Key

DROPPING = ("transformers.BitsAndBytesConfig",)
"""They take ``**kwargs`` and do nothing with them: a line of the log, at a level that is not shown
unless somebody asks for it, is all."""


def in_any(receiver: str, own: VersionRange, inherited: VersionRange) -> frozenset[str]:
    """The parameters of every allowed version; of one too old to be known, all that ever were."""
    try:
        return signatures.fields(receiver, asked(own), asked(inherited))
    except KeyError:
        return signatures.every_field(receiver)


def in_newest(receiver: str, own: VersionRange, inherited: VersionRange) -> frozenset[str]:
    """The parameters of the newest allowed version, which an installation gets."""
    above = signatures.parent(receiver)
    try:
        version = _newest(receiver, own)
        return signatures.fields(receiver, version, _newest(above, inherited) if above else None)
    except KeyError:
        return signatures.every_field(receiver)


def _newest(receiver: str, pin: VersionRange) -> VersionRange | str | None:
    """The version itself where it is exact; ``None`` where no version is too new."""
    if pin.exact or not pin.bounded:
        return asked(pin)
    return signatures.newest(receiver, pin) or pin if pin.capped else None


def asked(pin: VersionRange) -> VersionRange | None:
    """What the tables of signatures are asked for: ``None``, the newest, without a pin."""
    return pin if pin.bounded else None


def distribution(qualified: str) -> str:
    """What PyPI calls the package of a callee."""
    library = qualified.partition(".")[0]
    return DISTRIBUTIONS.get(library, library)


def moment(receiver: str, name: str, owner: str) -> str:
    """When a parameter came or went, if it ever was one."""
    source = distribution(owner)
    removed = signatures.removed(receiver, name)
    if removed:
        return f"was removed by {source} {removed}"
    introduced = signatures.introduced(receiver, name)
    return f"came with {source} {introduced}" if introduced else ""


def of_other_version(
    receiver: str,
    lacks: str,
    key: Key,
    pin: VersionRange,
    certain: bool,
    better: tuple[Successor | None, tuple[Rename, ...]],
) -> Problem:
    """A parameter that came or went, and is not there in the versions that are allowed.

    Args:
        receiver: the callee, or the program.
        lacks: what a message calls it: ``SFTConfig has no parameter``.
        key: the parameter.
        pin: the versions of what it belongs to.
        certain: none of the allowed versions has it.
        better: what to write instead, and the edit that does so.
    """
    library = distribution(signatures.owner(receiver, key.name))
    where = ""
    if not pin.bounded or not (certain or pin.capped):
        here = f"the newest {library}"
    elif pin.exact:
        here = f"{library} {pin}"
    else:
        here = f"{library}{pin}" if certain else f"the newest {library}{pin}"
        where = f" ({', '.join(pin.places)})"
    refused = pin.bounded and certain and receiver not in DROPPING
    instead, edits = better
    return Problem(
        key.span,
        f"{lacks} {key.name} in {here}{where}: it "
        f"{moment(receiver, key.name, signatures.owner(receiver, key.name))}.",
        severity=Severity.ERROR if refused else Severity.WARNING,
        help=instead.advice + ("" if pin.bounded else _or_pin(receiver, key.name, library))
        if instead
        else _without_successor(receiver, key.name, here, library),
        edits=edits,
    )


def _without_successor(receiver: str, name: str, here: str, library: str) -> str:
    came = signatures.introduced(receiver, name)
    if came and not signatures.removed(receiver, name):
        return f"Remove it, or take {library} {came} or a newer one."
    return f"Write it the way {here} wants it, or pin {library}."


def _or_pin(receiver: str, name: str, library: str) -> str:
    """What else may be done where nothing says which version is meant."""
    gone = signatures.removed(receiver, name)
    return f" Or pin {library}<{gone}, which it was written for." if gone else ""
