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


def last(history: History | None, test: Callable[[Call, Thing], bool]) -> list[Call | None]:
    """The last calls that did something to an object, each once; ``None`` for ways without one.

    Args:
        history: of the object.
        test: whether a call did it to the object that it was on its way.
    """
    found: dict[int, Call | None] = {}
    seen: set[int] = set()
    pending = [history]
    while pending:
        now = pending.pop()
        if now is None:
            found[0] = None
            continue
        if id(now) in seen:
            continue
        seen.add(id(now))
        if now.call is not None and now.thing is not None and test(now.call, now.thing):
            found[id(now.call)] = now.call
        elif now.before:
            pending += now.before
        else:
            found[0] = None
    return list(found.values())
