"""The runs of a program: which of the commands that start it reach which of its adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_lint.read.choices import Arm, Arms
from lora_lint.read.python import functions
from lora_lint.read.python.arguments import Found
from lora_lint.read.python.program import RUN
from lora_lint.read.python.resolver import Resolver
from lora_rules.engine._startup.typed import NamedTuple


class Runs(NamedTuple):
    """Adapters that the same commands reach."""

    adapters: list[Found]
    choices: list[Arms]
    """Of each command, that it is the one; empty where none is known to reach them."""


def by_runs(
    resolver: Resolver, adapters: Sequence[Found], calls: Sequence[Found]
) -> Iterator[Runs]:
    """The adapters by the commands that reach them, and nothing of the others in the values.

    Args:
        resolver: of the program; it looks at no other commands until the next of these is asked
            for.
        adapters: of the file.
        calls: the known calls of the program.
    """
    number = len(resolver.program.starts)
    if not number:
        yield Runs(list(adapters), [])
        return
    every: list[Arms] = [(Arm(RUN, each, number),) for each in range(number)]
    groups: dict[tuple[int, ...], list[Found]] = {}
    for adapter in adapters:
        reached = tuple(
            each
            for each, run in enumerate(every)
            if functions.is_reached(resolver, adapter.site, run)
        )
        groups.setdefault(reached, []).append(adapter)
    for reached, members in groups.items():
        _look_at(resolver, calls, frozenset(reached))
        yield Runs(members, [every[each] for each in reached])


def _look_at(resolver: Resolver, calls: Sequence[Found], numbers: frozenset[int]) -> None:
    resolver.look_at_runs(numbers)
    filled = [found for found in calls if found.parsed]
    if filled:
        from lora_lint.read.python.parsed import fill  # most files have no such parser

        fill(resolver, filled)
