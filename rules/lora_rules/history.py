"""What happened to an object of a script, until a moment.

The reader goes through a script forwards and writes down, for each object, the calls that touched
it. Where ways through the script join, so do their histories. A rule asks for the last call of some
kind: on all ways (it must have happened) or on some (it may have).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lora_rules.recipe import Call, History, Thing


def joined(ways: Iterable[History | None]) -> History | None:
    """What happened on one of several ways."""
    several = tuple(dict.fromkeys(ways))
    return History(None, several) if len(several) > 1 else next(iter(several), None)


Answers = dict[History, tuple[Call | None, ...]]
MOST = 32
"""Calls that are kept as the last ones of many ways; beyond, a way of which nothing is known."""


def last(
    history: History | None, test: Callable[[Call, Thing], bool], answers: Answers
) -> list[Call | None]:
    """The last calls that did something to an object, each once; ``None`` for ways without one.

    Args:
        history: of the object.
        test: whether a call did it to the object that it was on its way.
        answers: to this test, so far: each part of a history is gone through once.
    """
    if history is None:
        return [None]
    pending = [history]
    while pending:
        now = pending[-1]
        if now in answers:
            pending.pop()
            continue
        if now.call is not None and now.thing is not None and test(now.call, now.thing):
            answers[now] = (now.call,)
            continue
        missing = [before for before in now.before if before is not None and before not in answers]
        if missing:
            pending += missing
        else:
            answers[now] = _together(now, answers)
    return list(answers[history])


def _together(now: History, answers: Answers) -> tuple[Call | None, ...]:
    """What was last on all ways before, each call once."""
    if len(now.before) == 1 and now.before[0] is not None:
        return answers[now.before[0]]
    ways = [(None,) if before is None else answers[before] for before in now.before] or [(None,)]
    found = {id(call): call for way in ways for call in way}
    if len(found) > MOST:
        return (None, *list(found.values())[:MOST])
    return tuple(found.values())
