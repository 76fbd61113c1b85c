"""A few processes that work on chunks, over pipes.

The standard library's pools bring threads with them, which tell their own story when Ctrl-C comes.
Here there are none: a process that is killed is noticed by its pipe, and all end when we do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")
_Pipe = Connection


class Done(NamedTuple, Generic[Result]):
    """What came of one chunk."""

    number: int
    result: Result | None
    """``None``: the process that had it was killed."""


def work(
    chunks: Sequence[Chunk],
    count: int,
    begin: Callable[..., Callable[[Chunk], Result]],
    *told: object,
) -> Iterator[Done[Result]]:
    """The result of each chunk, as they come.

    Args:
        chunks: what to work on.
        count: how many processes.
        begin: makes, in each process, the function that works on a chunk.
        told: what ``begin`` is called with.
    """
    # A fork has everything imported already; there are no threads here that it could harm.
    forks = os.name == "posix" and hasattr(os, "fork")
    context: Any = get_context("fork" if forks else "spawn")
    processes: list[Any] = []
    pipes: list[_Pipe] = []
    try:
        with _silent_ctrl_c():
            for _ in range(min(count, len(chunks))):
                ours, theirs = context.Pipe()
                not_theirs = [*pipes, ours] if forks else []
                process = context.Process(target=_serve, args=(theirs, not_theirs, begin, told))
                process.start()
                theirs.close()
                processes.append(process)
                pipes.append(ours)
        yield from _hand_out(chunks, pipes)
    finally:
        for process in processes:
            process.terminate()
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()


def _hand_out(chunks: Sequence[Chunk], pipes: Sequence[_Pipe]) -> Iterator[Done[Any]]:
    left = iter(enumerate(chunks))
    has: dict[_Pipe, int] = {}
    for pipe in pipes:
        _give(pipe, left, has)
    while has:
        ready: Any = wait(list(has))
        for pipe in ready:
            number = has.pop(pipe)
            try:
                result = pipe.recv()
            except (EOFError, OSError):
                yield Done(number, None)
                continue
            _give(pipe, left, has)
            yield Done(number, result)
    for number, _chunk in left:
        yield Done(number, None)


def _give(pipe: _Pipe, left: Iterator[tuple[int, Any]], has: dict[_Pipe, int]) -> None:
    for number, chunk in left:
        has[pipe] = number  # a process that is gone is noticed when its answer is waited for
        with suppress(OSError):
            pipe.send(chunk)
        return


def _serve(
    pipe: _Pipe,
    others: list[_Pipe],
    begin: Callable[..., Callable[[Any], Any]],
    told: tuple[object, ...],
) -> None:
    """What another process does, until nobody is at the other end of its pipe."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for other in others:
        other.close()
    function = begin(*told)
    while True:
        try:
            chunk = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(function(chunk))


@contextmanager
def _silent_ctrl_c() -> Iterator[None]:
    """Processes that begin here end at Ctrl-C without a word, from their first moment on."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
