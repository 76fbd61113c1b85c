"""The word between the machines of a run, without training: two ends in one process."""

from __future__ import annotations

import io
import os
import threading
import time
from contextlib import suppress

import pytest

from lora_launch.cluster import heartbeat as beats
from lora_launch.cluster import timeouts as times
from lora_launch.cluster.follower import Follower
from lora_launch.cluster.leader import Leader, meet
from lora_launch.cluster.machines import Word, came_through
from lora_launch.cluster.place import Place
from lora_launch.errors import INTERRUPTED, REFUSED, LaunchError
from lora_launch.run.folder import Folder, write_json

IDENTITY = {"lora.r": 8, "hardware.devices": 2}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(beats, "BEAT", 0.02)
    for name, seconds in (("PAUSE", 0.01), ("GRACE", 0.1), ("FAREWELL", 0.5), ("JOIN", 2)):
        monkeypatch.setattr(times, name, seconds)


@pytest.fixture
def folder(tmp_path):
    return Folder(str(tmp_path))


def place(rank: int, timeout: float = 5.0) -> Place:
    return Place(rank, 2, "" if rank else "10.0.0.1", None, timeout)


class Thread(threading.Thread):
    """The other machine: follows to the end, and keeps what it was told."""

    def __init__(self, folder: Folder, identity=IDENTITY, timeout: float = 5.0) -> None:
        super().__init__()
        self.folder, self.identity, self.timeout = folder, identity, timeout
        self.words: list[Word] = []
        self.error: LaunchError | None = None
        self.start()

    def run(self) -> None:
        try:
            with Follower(place(1, self.timeout), self.folder, self.identity) as me:
                while not self.words or self.words[-1].phase != "end":
                    self.words.append(me.next(io.StringIO()))
                    me.ended()
        except LaunchError as error:
            self.error = error


def test_attempts_are_told_and_ended_together(folder):
    other = Thread(folder)
    with Leader(place(0), folder, IDENTITY) as me:
        for attempt in (1, 2):
            me.gather(io.StringIO())
            me.start()
            assert me.word.attempt == attempt
            assert me.rendezvous[:2] == ["--machine_rank", "0"]
            wait_for(lambda wanted=attempt: len(other.words) == wanted)
            me.collect(False)
        me.code = 143
    other.join(10)
    assert other.error is None
    assert [(word.attempt, word.phase) for word in other.words] == [
        (1, "run"),
        (2, "run"),
        (2, "end"),
    ]
    assert other.words[0].address == "10.0.0.1"
    assert other.words[0].port != 0
    assert other.words[-1].code == 143


def test_an_attempt_that_ends_before_the_others_hear_of_it_is_over_there_too(folder):
    with Follower(place(1), folder, IDENTITY) as other, Leader(place(0), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        late = threading.Thread(target=other.next, args=[io.StringIO()])
        me._say(me.word._replace(phase="over"))
        late.start()
        me.collect(False)
        me.gather(io.StringIO())
        me.start()
        late.join(10)
        assert other.word == me.word
        assert other.word.attempt == 2
        other.ended()


def test_a_machine_with_another_configuration_is_refused_on_both(folder):
    other = Thread(folder, {**IDENTITY, "lora.r": 16})
    with (
        pytest.raises(
            LaunchError, match=r"machine 1 .* something else than machine 0:\n  lora.r: 8 -> 16"
        ) as error,
        Leader(place(0), folder, IDENTITY) as me,
    ):
        me.gather(io.StringIO())
    other.join(10)
    assert error.value.code == REFUSED
    assert other.words[-1].phase == "end"
    assert other.words[-1].code == REFUSED


def test_a_machine_that_does_not_come(folder):
    stream = io.StringIO()
    with (
        pytest.raises(
            LaunchError, match=r"machine 1\. Start the same command there \(--machine-rank 1\)"
        ),
        Leader(place(0, timeout=0.2), folder, IDENTITY) as me,
    ):
        me.gather(stream)
    assert stream.getvalue() == "Waiting for machine 1.\n"


def test_files_of_an_earlier_run_are_no_machines(folder):
    Follower(place(1), folder, IDENTITY).own.end()
    with (
        pytest.raises(LaunchError, match="Not heard of for 0 seconds: machine 1"),
        Leader(place(0, timeout=0.1), folder, IDENTITY) as me,
    ):
        me.gather(io.StringIO())
    with (
        pytest.raises(LaunchError, match="machine 0"),
        Follower(place(1, timeout=0.1), folder, IDENTITY) as me,
    ):
        me.next(io.StringIO())


def wait_for(what) -> str:
    until = time.monotonic() + 10
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.01)
    return found


def test_a_silent_machine_ends_the_attempt_of_the_first(folder):
    other = Follower(place(1), folder, IDENTITY)
    with Leader(place(0, timeout=0.3), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        other.next(io.StringIO())
        assert me.watch() == ""
        other.own.end()
        assert "machine 1 (" in wait_for(me.watch)
        me.collect(False)


def test_a_machine_that_was_started_anew_ends_the_attempt(folder):
    other = Follower(place(1), folder, IDENTITY)
    with Leader(place(0), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        other.next(io.StringIO())
        other.own.end()
        again = Follower(place(1), folder, IDENTITY)
        assert wait_for(me.watch).endswith("was started anew.")
        me.collect(False)
        me.gather(io.StringIO())
        me.start()
        assert again.next(io.StringIO()).attempt == 2
        again.ended()
        again.own.end()


def test_workers_that_ended_elsewhere_end_the_attempt_after_a_while(folder):
    with Follower(place(1), folder, IDENTITY) as other, Leader(place(0), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        other.next(io.StringIO())
        other.ended()
        assert wait_for(me.watch).startswith("The workers of machine 1")
        me.collect(False)
        assert wait_for(other.watch) == "Machine 0 has ended the attempt."


def test_workers_that_came_through_elsewhere_end_nothing(folder):
    with Follower(place(1), folder, IDENTITY) as other, Leader(place(0), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        other.next(io.StringIO())
        other.ended(well=True)
        wait_for(lambda: me.peers[0].look()["well"])
        time.sleep(2 * times.GRACE)
        assert me.watch() == ""
        me.collect(True)
        assert me.asked == ""
        wait_for(lambda: (other._said() or me.word).phase == "over")
        time.sleep(2 * times.GRACE)
        assert other.watch() == ""


def test_a_machine_that_is_asked_to_end_ends_the_attempt_at_once(folder):
    other = Follower(place(1), folder, IDENTITY)
    with Leader(place(0), folder, IDENTITY) as me:
        me.gather(io.StringIO())
        me.start()
        other.next(io.StringIO())
        other.ended(asked=True)
        wait_for(lambda: me.peers[0].look()["asked"])
        assert me.watch().endswith("was asked to end.")
        me.collect(False)
        assert me.asked.endswith("was asked to end.")
    other.own.end()


def test_a_machine_that_is_asked_to_end_while_it_waits_ends_all(folder):
    me = Leader(Place(0, 3, "10.0.0.1", None, 5.0), folder, IDENTITY)

    def leaves() -> None:
        with suppress(LaunchError), Follower(place(1), folder, IDENTITY):
            wait_for(lambda: me.peers[0].alive)
            raise LaunchError("Interrupted outside of the training.", INTERRUPTED)

    other = threading.Thread(target=leaves)
    other.start()
    said = r"machine 1 .* was asked to end\. Started again"
    with pytest.raises(LaunchError, match=said) as error, me:
        me.gather(io.StringIO())
    other.join(10)
    assert error.value.code == INTERRUPTED


def test_what_it_is_to_come_through(folder):
    def says(rank: int, status: str, **more: object) -> None:
        write_json(folder.outcome(rank), {"status": status, **more})

    second = place(1)
    says(0, "failed")
    says(2, "done")
    assert not came_through(folder, second, 2)
    for status, more, well in (
        ("done", {}, True),
        ("interrupted", {"step": 3}, True),
        ("interrupted", {"step": 0}, False),
        ("oom", {}, False),
    ):
        says(3, status, **more)
        assert came_through(folder, second, 2) is well


def test_a_first_machine_that_falls_silent_ends_the_others(folder):
    first = Leader(place(0), folder, IDENTITY)
    with Follower(place(1, timeout=0.3), folder, IDENTITY) as other:
        first.gather(io.StringIO())
        first.start()
        other.next(io.StringIO())
        assert other.watch() == ""
        first.own.end()
        assert "Machine 0 has not been heard of" in wait_for(other.watch)
        other.ended()
        with pytest.raises(LaunchError, match="Not heard of for 0 seconds: machine 0"):
            other.next(io.StringIO())


def test_a_run_on_one_machine_says_nothing_of_machines(folder):
    here = meet(Place(), folder, IDENTITY)
    here.gather(io.StringIO())
    here.start()
    assert here.rendezvous == []
    assert here.environment == {}
    assert here.watch() == ""
    here.collect(True)
    assert not os.path.exists(folder.at("machines"))
