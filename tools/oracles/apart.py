"""Asks in a process of its own, so that a question changes nothing for the next one.

A validator may keep state, exit, or open what it is given: ``accelerator_config: 2`` is a file
name to it, and closes the standard error of its process.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

ENDED = "the process ended"
SECONDS = 8
"""So long may an answer take: a file name may be that of a pipe, and a hub may not be there."""


def refused_apart(
    answer: Callable[[dict[str, Any]], dict[str, Any]],
    bases: Sequence[dict[str, Any]],
    key: str,
    values: Sequence[object],
) -> list[bool]:
    """Of each value of a key, whether it is refused in every one of the sound configurations.

    One process answers for all, and one each where it does not survive that.
    """
    configs = [[base | {key: value} for base in bases] for value in values]

    def ask(some: Sequence[list[dict[str, Any]]]) -> dict[str, Any]:
        return {"refused": [all(answer(one)["refused"] for one in each) for each in some]}

    found = apart(lambda: ask(configs))["refused"]
    if found == ENDED:
        found = [
            apart(lambda each=each: ask([each]))["refused"] in (ENDED, [True]) for each in configs
        ]
    return list(found)


def apart(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What ``ask`` answers in a child; a refusal where the child ends without an answer."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_end(ask, reader, writer)
    os.close(writer)
    with os.fdopen(reader) as answers:
        text = answers.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"refused": ENDED, "names": [], "warned": []}


def _answer_and_end(ask: Callable[[], dict[str, Any]], reader: int, writer: int) -> None:
    """The answer goes to a high number, which no small number in a recipe means."""
    high = os.dup2(writer, 900)
    os.close(reader)
    os.close(writer)
    signal.alarm(SECONDS)
    silent = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silent, number)
    try:
        os.write(high, json.dumps(ask()).encode())
    finally:
        os._exit(0)
