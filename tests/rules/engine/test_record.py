"""Records behave as frozen dataclasses do, and lazy patterns as compiled ones."""

from __future__ import annotations

import dataclasses
import pickle
import re
from functools import cached_property
from typing import Any

import pytest

from lora_rules.engine._startup.record import lazily, record, replace


@record(frozen=True)
class Layer:
    """What the tests are made with."""

    name: str
    size: int = 4
    odd: object = None

    def __post_init__(self) -> None:
        """Refuse what is too small."""
        if self.size < 1:
            raise ValueError("too small")

    @cached_property
    def doubled(self) -> int:
        """Worked out once."""
        return 2 * self.size


@dataclasses.dataclass(frozen=True)
class Model:
    """The same, made by the standard library."""

    name: str
    size: int = 4
    odd: object = None


def test_a_record_is_made_as_a_dataclass_is() -> None:
    layer = Layer("q_proj", odd=[1])
    assert (layer.name, layer.size, layer.odd) == ("q_proj", 4, [1])
    assert Layer(name="q_proj", size=8) == Layer("q_proj", 8)
    assert repr(layer) == repr(Model("q_proj", odd=[1])).replace("Model", "Layer")
    wrong: Any = Layer
    with pytest.raises(TypeError):
        wrong()
    with pytest.raises(TypeError):
        wrong("q_proj", 1, None, 2)
    with pytest.raises(TypeError):
        wrong("q_proj", width=2)


def test_records_are_equal_by_their_members_and_hashable_where_those_are() -> None:
    assert Layer("a") == Layer("a") != Layer("b")
    assert Layer("a") != Model("a")
    assert hash(Layer("a")) == hash(Layer("a"))
    with pytest.raises(TypeError):
        hash(Layer("a", odd=[]))


def test_what_was_worked_out_is_no_member() -> None:
    layer = Layer("a")
    assert layer.doubled == 8
    assert layer == Layer("a")
    assert "doubled" not in repr(layer)
    assert replace(layer, size=5).doubled == 10


def test_a_record_is_frozen() -> None:
    layer: Any = Layer("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.size = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        del layer.size


def test_post_init_runs_for_a_new_one_and_for_a_changed_one() -> None:
    with pytest.raises(ValueError, match="too small"):
        Layer("a", 0)
    with pytest.raises(ValueError, match="too small"):
        replace(Layer("a"), size=0)


def test_the_functions_of_dataclasses_take_a_record() -> None:
    layer = Layer("a", 2)
    assert dataclasses.is_dataclass(layer)
    assert [each.name for each in dataclasses.fields(layer)] == ["name", "size", "odd"]
    assert dataclasses.asdict(layer) == {"name": "a", "size": 2, "odd": None}
    assert dataclasses.replace(layer, size=3) == Layer("a", 3)


def test_a_record_can_be_pickled_and_matched() -> None:
    assert pickle.loads(pickle.dumps(Layer("a", 2))) == Layer("a", 2)  # noqa: S301  # our own
    match Layer("a", 2):
        case Layer(name, size):
            assert (name, size) == ("a", 2)


def test_a_lazy_pattern_is_a_pattern_once_it_is_asked() -> None:
    pattern = lazily(r"(a+)b", re.IGNORECASE)
    assert "match" not in vars(pattern)
    found = pattern.match("xAAb", 1)
    assert found is not None
    assert found[1] == "AA"
    assert pattern.sub("", "aab!") == "!"
    assert pattern.pattern == r"(a+)b"
    with pytest.raises(re.error):
        lazily("(").search("")


def test_a_record_is_made_alike_before_and_after_its_constructor_is_written() -> None:
    for at in range(40):
        assert Layer("a", odd=at) == Layer(name="a", size=4, odd=at) == Layer("a", 4, at)
        assert vars(Layer("a", odd=at)) == {"name": "a", "size": 4, "odd": at}
        for args, kwargs in (((), {}), (("a", 1, 2, 3), {}), (("a",), {"name": "b"})):
            with pytest.raises(TypeError):
                Layer(*args, **kwargs)
        with pytest.raises(TypeError):
            Layer("a", other=at)  # type: ignore[call-arg]
        with pytest.raises(ValueError, match="too small"):
            Layer("a", 0)
