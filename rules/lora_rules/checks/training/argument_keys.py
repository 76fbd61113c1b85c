"""Keys of a file that are parameters of classes, of which one script takes some (rule LL001)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lora_rules.checks.training.parameters import in_newest, of_other_version
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Rename, Severity
from lora_rules.libraries import signatures
from lora_rules.libraries.successors import successor
from lora_rules.recipe import Block, Key

if TYPE_CHECKING:
    from lora_rules.facts.versions.pins import Pins

ALIASES = {"lora_rank": "lora_r"}
"""What other programs call a parameter: a slip of it means the same."""
SHOWN = 3
"""So many of the keys that do not go with another are named."""


def against_classes(
    block: Block,
    scripts: tuple[tuple[str, ...], ...],
    framework: Behaviour,
    pins: Pins,
    allow: tuple[str, ...],
) -> Iterator[Problem]:
    """What is wrong with the keys of a file.

    A script may add keys of its own. Therefore a key that was a parameter and one that is nearly
    spelled so are warnings, and any other is only noted.

    Args:
        block: the file.
        scripts: of each script that may read it the classes, its own last.
        framework: whose scripts they are.
        pins: the versions that are allowed.
        allow: keys that pass.
    """
    fields = {
        each: in_newest(each, pins[_library(each)], pins["transformers"])
        for classes in scripts
        for each in classes
    }
    allowed = frozenset().union(*fields.values())
    taken = []
    for key in block.keys:
        if "." in key.name or key.name in allow or framework.goes_elsewhere(key.name):
            continue
        if key.name in allowed:
            taken.append(key)
        else:
            yield from _not_taken(block, key, allowed, framework, pins)
    by_script = {
        classes[-1]: frozenset().union(*(fields[each] for each in classes)) for classes in scripts
    }
    yield from _not_together(taken, by_script, framework.label)


def _not_taken(
    block: Block, key: Key, allowed: frozenset[str], framework: Behaviour, pins: Pins
) -> Iterator[Problem]:
    scripts = framework.scripts("", [each.name for each in block.keys])
    every = [each for classes in _likely(scripts, block, framework) for each in reversed(classes)]
    owner = next((each for each in every if key.name in signatures.every_field(each)), "")
    if not owner:
        yield _taken_by_none(key, allowed, framework.label)
        return
    source = signatures.owner(owner, key.name)
    pin = pins[_library(source)]
    if pin.at_commit:
        return
    if key.name in in_newest(owner, pins[_library(owner)], pins["transformers"]):
        yield _of_another_method(key, owner, framework.label)
        return
    instead = successor(owner, key.name, allowed)
    renamed = instead.rename if instead else ""
    edits = (Rename(key.name, renamed),) if renamed else ()
    lacks = f"{_name(source)} has no parameter"
    problem = of_other_version(source, lacks, key, pin, False, (instead, edits))
    yield problem._replace(severity=Severity.WARNING)


def _likely(
    scripts: tuple[tuple[str, ...], ...], block: Block, framework: Behaviour
) -> tuple[tuple[str, ...], ...]:
    """The script that takes most of the file's keys, and the common ones."""
    names = {key.name for key in block.keys}
    taken = [len(names & signatures.fields(classes[-1])) for classes in scripts]
    best = taken.index(max(taken))
    common = scripts[: framework.common_scripts]
    return (scripts[best], *(each for each in common if each is not scripts[best]))


def _of_another_method(key: Key, owner: str, who: str) -> Problem:
    """Of a command that names its method."""
    return Problem(
        key.span,
        f"{key.name} is a parameter of {who}'s {_name(owner)}, and not of the method that runs: "
        f"{who} refuses it.",
        severity=Severity.WARNING,
        help="Remove it, or run the other method.",
    )


def _not_together(
    keys: list[Key], scripts: Mapping[str, frozenset[str]], who: str
) -> Iterator[Problem]:
    """Keys of which some script takes each, and none all of them.

    They are reported at those that the script which takes most of them lacks.
    """
    lacks = {
        script: [key for key in keys if key.name not in known] for script, known in scripts.items()
    }
    for key in min(lacks.values(), key=len):
        takers = [script for script, known in scripts.items() if key.name in known]
        others = [
            other for other in keys if not any(other.name in scripts[script] for script in takers)
        ]
        shown = ", ".join(other.name for other in others[:SHOWN])
        yield Problem(
            key.span,
            f"no script of {who} takes {key.name}, a parameter of {_name(takers[0])}, "
            f"beside {shown or 'the others'}.",
            severity=Severity.WARNING,
            help="Remove what the script does not take: its parser refuses it.",
            also=tuple(other.span for other in others[:SHOWN]),
        )


def _taken_by_none(key: Key, allowed: frozenset[str], who: str) -> Problem:
    text = f"no script of {who} takes {key.name}, and its parser refuses it."
    meant = _meant(key.name.replace("-", "_"), allowed)
    if meant:
        return Problem(
            key.span,
            text,
            severity=Severity.WARNING,
            help=f"Did you mean {meant}?",
            edits=(Rename(key.name, meant),),
        )
    advice = "A script with arguments of its own may take it."
    return Problem(key.span, text, severity=Severity.INFO, help=advice)


def _meant(written: str, allowed: frozenset[str]) -> str:
    """The key that a slip of the pen was, or empty."""
    if written in ALIASES:
        return ALIASES[written]
    near = (each for each in sorted(allowed | ALIASES.keys()) if is_slip(written, each))
    return next((ALIASES.get(each, each) for each in near), "")


def is_slip(written: str, meant: str) -> bool:
    """Whether they differ by one letter: lost, added, another one, or swapped with the next."""
    start = _shared(written, meant)
    a, b = written[start:][::-1], meant[start:][::-1]
    same = _shared(a, b)
    a, b = a[same:], b[same:]
    return max(len(a), len(b)) <= 1 or (len(a) == 2 and a == b[::-1])


def _shared(one: str, other: str) -> int:
    """How long the beginning is that they share."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _library(qualified: str) -> str:
    return qualified.partition(".")[0]


def _name(qualified: str) -> str:
    return qualified.rpartition(".")[2]
