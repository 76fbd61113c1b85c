"""A framework's refusals as data: which keys, in which state, and the sentence that says so.

A table of them says nothing on a value that is not known, and nothing on a key's absence where
more keys may arrive unseen. Each row has a key that is stable for ever: people select it, and
suppress it by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.keys import KeyPage
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.recipe import Block, Key, Span

ABSURD = 1e100
"""No framework's setting is as large: such a number, or none at all, is not judged."""


class Written(NamedTuple):
    """The keys of one file or call, as written."""

    keys: Mapping[str, Key]
    complete: bool = True
    """False when more keys may arrive unseen."""
    shards_weights: Callable[[], bool] = bool
    """Whether ``deepspeed`` certainly asks for ZeRO-3, which another file says."""

    def known(self, name: str) -> tuple[object, ...]:
        """What a key is given; nothing where a template is still to be filled in."""
        if name not in self.keys:
            return ()
        given = self.keys[name].candidates
        templates = any("${" in str(value) or "{{" in str(value) for value in given)
        return () if templates else given

    def value(self, name: str) -> object:
        """The one value of a key, else ``None``."""
        known = self.known(name)
        return known[0] if len(known) == 1 else None

    def number(self, name: str) -> float | None:
        """The one value of a key, where it is a number."""
        value = self.value(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        return float(value) if -ABSURD < value < ABSURD else None

    def is_set(self, name: str) -> bool:
        """Whether a key is there and certainly neither false, zero nor empty."""
        if any(key.startswith(f"{name}.") for key in self.keys):
            return True
        known = self.known(name)
        return bool(known) and all(map(bool, known))

    def is_unset(self, name: str) -> bool:
        """Whether a key is not there, or certainly false, zero or empty."""
        if name not in self.keys:
            return self.complete
        known = self.known(name)
        return bool(known) and not any(map(bool, known))

    def is_missing(self, name: str) -> bool:
        """Whether a key is not there, or certainly null: then a default counts."""
        return self.complete if name not in self.keys else self.known(name) == (None,)

    def span(self, name: str) -> Span:
        """Where a key's value stands; of a mapping or list, the key."""
        key = self.keys[name]
        return key.value_span or key.span


def written(block: Block, shards_weights: Callable[[], bool] = bool) -> Written:
    """The keys of a block.

    Args:
        block: as it was read.
        shards_weights: whether ``deepspeed`` certainly asks for ZeRO-3.
    """
    return Written({key.name: key for key in block.keys}, block.complete, shards_weights)


class State(NamedTuple):
    """A state that keys may be in."""

    names: tuple[str, ...]
    holds: Callable[[Written], bool]


def given(*names: str) -> State:
    """All are written, and none is false, zero or empty."""
    return State(names, lambda keys: all(map(keys.is_set, names)))


def off(*names: str) -> State:
    """Each is absent, or false, zero or empty."""
    return State(names, lambda keys: all(map(keys.is_unset, names)))


def present(name: str) -> State:
    """It is written and not null, whatever its value."""
    return State((name,), lambda keys: bool(keys.known(name)) and None not in keys.known(name))


def equals(name: str, *values: object) -> State:
    """Its value is one of these, and of the same kind: true is not 1."""
    kinds = [(type(value), value) for value in values]
    return State(
        (name,),
        lambda keys: (
            len(keys.known(name)) == 1 and (type(keys.value(name)), keys.value(name)) in kinds
        ),
    )


def differs(name: str, *values: object) -> State:
    """It has a value, which is a text or number and none of these."""
    return State(
        (name,),
        lambda keys: (
            isinstance(keys.value(name), str | int | float)
            and not isinstance(keys.value(name), bool)
            and keys.value(name) not in values
        ),
    )


def above(name: str, limit: float) -> State:
    """It is a number greater than this."""
    return State((name,), lambda keys: (keys.number(name) or limit) > limit)


def below(name: str, limit: float) -> State:
    """It is a number smaller than this."""

    def holds(keys: Written) -> bool:
        number = keys.number(name)
        return number is not None and number < limit

    return State((name,), holds)


def missing(*names: str) -> State:
    """Each is absent or null."""
    return State(names, lambda keys: all(map(keys.is_missing, names)))


def either(*states: State) -> State:
    """One of these holds."""
    names = tuple(name for state in states for name in state.names)
    return State(names, lambda keys: any(state.holds(keys) for state in states))


def under_zero3(*names: str) -> State:
    """All are given, and ``deepspeed`` asks for ZeRO-3."""
    return State(
        (*names, "deepspeed"),
        lambda keys: all(map(keys.is_set, (*names, "deepspeed"))) and keys.shards_weights(),
    )


def where(holds: Callable[[Written], bool], *names: str) -> State:
    """What only a function can say of these keys."""
    return State(names, holds)


class Refusal(NamedTuple):
    """What a framework refuses, or warns of."""

    key: str
    """What is refused, not how that is worded: ``qlora-needs-load-in-4bit``; never renamed."""
    at: str
    """The setting that it is reported at."""
    when: tuple[State, ...]
    """All hold."""
    says: str
    """The settings as written, and what is wrong with them; without a full stop."""
    do: str
    raises: str = "ValueError"
    """What the framework raises; empty where it only warns."""
    newer: bool = False
    """Only the current version raises: a warning, for no file says which it is for."""
    since: str = ""
    """The first version that refuses it, where that is known: ``TRL 0.29``."""
    why: str = ""
    """The reason, in sentences, where it is not plain from what is refused."""
    until: str = ""
    """The first version that takes it again: nothing is said unless pins exclude all from there."""
    first: str = ""
    """The first version that refuses it, where pins decide: below it nothing is said, and without a
    pin it is a warning."""
    of: str = ""
    """The library whose versions ``first`` means, where that is another one: ``transformers``."""


class Refusals(NamedTuple):
    """What one framework or library refuses."""

    owner: str
    """The first part of the keys: ``llamafactory``."""
    called: str
    """Its name in messages: ``LLaMA-Factory``."""
    rows: tuple[Refusal, ...]
    source: str
    """Where its code does so."""
    moment: str
    """When that is, in a sentence."""

    def pages(self) -> Iterator[KeyPage]:
        """What the documentation says of each."""
        for one in self.rows:
            yield KeyPage(
                f"{self.owner}/{one.key}",
                one.says + _outcome(one, self.called),
                one.do,
                self.source,
                moment=self.moment if one.raises else "",
                why=one.why,
                since=one.since,
                severity=_severity(one),
            )


def judge(
    keys: Written,
    refusals: Refusals,
    own: VersionRange = ANY,
    pin_of: Callable[[str], VersionRange] = lambda _library: ANY,
) -> Iterator[Problem]:
    """What is refused of these keys.

    Args:
        keys: as written.
        refusals: of the framework or library that they are for.
        own: the versions of it that are allowed.
        pin_of: those of another library.
    """
    for one in refusals.rows:
        pin = pin_of(one.of) if one.of else own
        if one.until and not (pin.bounded and pin.certainly_below(one.until)):
            continue
        if one.first and (pin.at_commit or pin.certainly_below(one.first)):
            continue
        if not all(state.holds(keys) for state in one.when):
            continue
        involved = [name for state in one.when for name in state.names if name in keys.keys]
        at = one.at if one.at in keys.keys else next(iter(involved))
        others = dict.fromkeys(name for name in involved if name != at)
        yield Problem(
            keys.span(at),
            one.says + _outcome(one, refusals.called),
            severity=_severity(one) or _by_version(one, pin),
            help=one.do,
            also=tuple(keys.span(name) for name in others),
            key=f"{refusals.owner}/{one.key}",
        )


def _severity(one: Refusal) -> Severity | None:
    return None if one.raises and not one.newer else Severity.WARNING


def _by_version(one: Refusal, pin: VersionRange) -> Severity | None:
    certain = not one.first or (pin.bounded and pin.certainly_at_least(one.first))
    return None if certain else Severity.WARNING


def _outcome(one: Refusal, framework: str) -> str:
    now = "now raises" if one.newer else "raises"
    return f": {framework} {now} {one.raises}." if one.raises else "."
