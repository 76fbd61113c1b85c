"""Options that none of the programs takes which a command or a file may be for.

For LL001: the keys of ms-swift's, LLaMA-Factory's or Oumi's recipes are options of their commands,
which come and go with the versions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from lora_rules.checks.training.parameters import asked, distribution, of_other_version
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Rename, Severity
from lora_rules.engine.version_range import VersionRange
from lora_rules.libraries import signatures
from lora_rules.libraries.renamed_options import successor
from lora_rules.recipe import Block, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins

DENIED = "no_"
"""``--no_bf16`` is an option where ``--bf16`` is a flag (transformers' HfArgumentParser)."""


class Taken(NamedTuple):
    """What the programs take in the versions that are allowed."""

    newest: frozenset[str]
    """In the newest of them."""
    some: frozenset[str]
    """In one of them at least."""
    pin: VersionRange


def against_programs(
    block: Block,
    framework: Behaviour,
    pins: Pins,
    allow: Collection[str],
    nearest: Callable[[str, frozenset[str]], str | None],
) -> Iterator[Problem]:
    """The keys of a block that none of its programs takes.

    Args:
        block: whose programs are known.
        framework: that they belong to.
        pins: the versions that are allowed.
        allow: keys that pass.
        nearest: which known key was probably meant.
    """
    taken = None if _is_lenient(block, framework) else _taken(block.programs, pins)
    if taken is None:
        return
    moved: dict[str, list[tuple[str, Problem]]] = {}
    for key in block.keys:
        if key.name in taken.newest or key.name in allow or key.name in framework.former_keys:
            continue
        if key.name.removeprefix(DENIED) in taken.newest or _is_below(key.name, taken.newest):
            continue
        if not block.strict and key.candidates == (None,):
            continue  # dropped, and empty anyway
        lacks = f"{_called(block, framework)} has no {_noun(block)}"
        of_other = _of_other_version(block.programs, key, lacks, taken, pins)
        if of_other is not None:
            moment = of_other.message.rpartition(": it ")[2]
            moved.setdefault(moment, []).append((key.name, of_other))
        elif key.name not in block.known_keys:
            yield _never_known(block, framework, key, taken, nearest(key.name, taken.newest))
    for together in moved.values():
        if len(together) > MANY:
            yield _as_one(together)
        else:
            yield from (problem for _, problem in together)


MANY = 5
"""With more options that came or went with one version, a command is written for another one, and
one problem says so."""


def _as_one(moved: list[tuple[str, Problem]]) -> Problem:
    (_, first), *others = moved
    names = ", ".join(name for name, _ in others)
    return first._replace(
        message=f"{first.message} So are {len(others)} more of the command: {names}.",
        edits=(),  # a fix renames the key that it stands at
    )


def _is_lenient(block: Block, framework: Behaviour) -> bool:
    """Whether the programs are asked to go on with options that they do not know."""
    asked = [key for key in block.keys if key.name == framework.lenient_key]
    return any(key.candidates != (False,) for key in asked)


def _taken(programs: tuple[str, ...], pins: Pins) -> Taken | None:
    """``None`` where the version is held at a commit, or is older than what we have read."""
    library = programs[0].partition(".")[0]
    pin, inherited = pins[library], pins["transformers"]
    if pin.at_commit:
        return None
    newest: frozenset[str] = frozenset()
    some: frozenset[str] = frozenset()
    for program in programs:
        at = (signatures.newest(program, pin) or pin) if pin.bounded and not pin.exact else pin
        try:
            newest |= signatures.fields(program, at if pin.bounded else None, asked(inherited))
            some |= signatures.fields(program, asked(pin), asked(inherited))
        except KeyError:
            return None
    return Taken(newest, some, pin)


def _is_below(name: str, known: frozenset[str]) -> bool:
    """Whether it is a key of a mapping of which the options say nothing, such as one of JSON."""
    parts = name.split(".")
    above = (".".join(parts[:end]) for end in range(1, len(parts)))
    return any(each in known and not _has_keys(each, known) for each in above)


def _has_keys(name: str, known: frozenset[str]) -> bool:
    return any(each.startswith(f"{name}.") for each in known)


def _of_other_version(
    programs: tuple[str, ...], key: Key, lacks: str, taken: Taken, pins: Pins
) -> Problem | None:
    """An option that came or went, and is not there in the newest version that is allowed."""
    program = next((each for each in programs if key.name in signatures.every_field(each)), "")
    if not program:
        return None
    owner = signatures.owner(program, key.name)
    pin = pins[owner.partition(".")[0]]
    if pin.at_commit or not (
        signatures.removed(owner, key.name) or signatures.introduced(owner, key.name)
    ):
        return None
    instead = successor(program, key.name, taken.newest)
    edits = (Rename(key.name, instead.rename),) if instead and instead.rename else ()
    certain = taken.pin.bounded and key.name not in taken.some
    return of_other_version(program, lacks, key, pin, certain, (instead, edits))


def _never_known(
    block: Block, framework: Behaviour, key: Key, taken: Taken, nearest: str | None
) -> Problem:
    unread = all(signatures.is_above_table(each, taken.pin) for each in block.programs)
    effect = "drops it" if not block.strict else "refuses it"
    return Problem(
        key.span,
        f"{_called(block, framework)} does not know {key.name} and {effect}.",
        severity=Severity.INFO if unread else None if block.strict else Severity.WARNING,
        help=f"Did you mean {nearest}?" if nearest else "Remove it, or check its spelling.",
        edits=(Rename(key.name, nearest),) if nearest else (),
    )


def _called(block: Block, framework: Behaviour) -> str:
    """``swift export`` of a command, a component by its last name, of a file its framework."""
    library, _, command = block.programs[0].partition(".")
    if "." in command:
        return command.rpartition(".")[2]
    if _is_command(block):
        return f"{library} {command}"
    return framework.label or distribution(block.programs[0])


def _noun(block: Block) -> str:
    return "option" if _is_command(block) else "key"


def _is_command(block: Block) -> bool:
    """A command has options of one program, and no list besides."""
    return not block.known_keys
