"""Our ``typed`` means what ``typing`` means, before and after a constructor is written."""

from __future__ import annotations

import pickle
import typing

import pytest

from lora_rules.engine._startup import typed


class Ours(typed.NamedTuple):
    """What the tests are made with."""

    name: str
    size: int = 4
    odd: object = None

    @property
    def doubled(self) -> int:
        """Something worked out."""
        return self.size * 2


class Theirs(typing.NamedTuple):
    """The same of ``typing``."""

    name: str
    size: int = 4
    odd: object = None


CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    (("a",), {}),
    (("a", 1), {}),
    (("a", 1, None), {}),
    ((), {"name": "a", "odd": 2}),
    (("a",), {"odd": 2, "size": 3}),
]
REFUSED: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((), {}),
    ((), {"size": 1}),
    (("a", 1, 2, 3), {}),
    (("a",), {"name": "b"}),
    (("a",), {"other": 1}),
    (("a", 1, 2), {"odd": 1}),
]


@pytest.mark.parametrize("used", [0, 40])
def test_a_tuple_is_made_as_typing_makes_it(used: int) -> None:
    for _ in range(used):
        Ours("a")
    for args, kwargs in CALLS:
        made, wanted = Ours(*args, **kwargs), Theirs(*args, **kwargs)  # type: ignore[arg-type]
        assert made == wanted
        assert repr(made) == repr(wanted).replace("Theirs", "Ours")
        assert made._asdict() == wanted._asdict()
        assert made._replace(size=9) == wanted._replace(size=9)
        assert (made.name, made.size, made.odd) == wanted
        assert made.doubled == 2 * wanted.size
        assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
        assert type(made._replace(size=9)) is Ours


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize(("args", "kwargs"), REFUSED)
def test_what_typing_refuses_is_refused(
    fresh: bool, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    class Own(typed.NamedTuple):
        name: str
        size: int = 4
        odd: object = None

    for _ in range(0 if fresh else 40):
        Own("a")
    with pytest.raises(TypeError):
        Theirs(*args, **kwargs)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Own(*args, **kwargs)  # type: ignore[arg-type]


def test_the_classes_say_the_same_of_themselves() -> None:
    for name in ("_fields", "_field_defaults", "__match_args__", "__slots__"):
        assert getattr(Ours, name) == getattr(Theirs, name)
    assert Ours.__doc__ == "What the tests are made with."
    with pytest.raises(AttributeError):
        Ours("a").size = 3  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Ours("a").other = 3  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="other"):
        Ours("a")._replace(other=1)
    with pytest.raises(TypeError, match="Expected 3"):
        Ours._make([1])
    with pytest.raises(TypeError, match="default"):
        type(typed.NamedTuple)("Bad", (), {"__annotations__": {"a": int, "b": int}, "a": 1})


def test_a_protocol_asks_for_its_members() -> None:
    @typed.runtime_checkable
    class Named(typed.Protocol):
        @property
        def name(self) -> str: ...

    class Inherits(Named):
        pass

    assert isinstance(Ours("a"), Named)
    assert not isinstance(3, Named)
    assert not isinstance(Ours("a"), Inherits)
    assert isinstance(Inherits(), Inherits | int)


def test_patterns_of_pyyaml_are_compiled_when_they_are_asked() -> None:
    import datetime
    import re

    from lora_lint.read.pyyaml import yaml

    assert yaml.safe_load("a: 2020-01-01\nb: [1.5, yes, 0x1f]") == {
        "a": datetime.date(2020, 1, 1),
        "b": [1.5, True, 31],
    }
    assert isinstance(re.compile("a"), re.Pattern)
