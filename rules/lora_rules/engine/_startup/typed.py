"""What our modules take of ``typing``, at a small part of its price.

The linter starts anew for every commit. ``typing`` takes 3.5 ms to import, a third of what Python
needs to start, and its ``NamedTuple`` writes and compiles a constructor for each class, sixty of
them for one recipe. These mean the same, to the type checker too: a class's constructor is written
once it has made a few objects.
"""

# ruff: noqa: ANN401  # a tuple may hold anything
from __future__ import annotations

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "Literal",
    "NamedTuple",
    "Protocol",
    "TextIO",
    "runtime_checkable",
]

TYPE_CHECKING = False


_SOON = 16
"""How many objects a class makes before its own constructor is written: most make a few."""
_made: dict[Any, int] = {}


def _new(cls: Any, *args: object, **kwargs: object) -> Any:
    """Make an object as the class's own constructor would, which is quicker once it is written."""
    _made[cls] = made = _made.get(cls, 0) + 1
    fields = cls._fields
    if made < _SOON and len(args) <= len(fields):
        if len(args) == len(fields) and not kwargs:
            return tuple.__new__(cls, args)
        rest = fields[len(args) :]
        members = {**cls._field_defaults, **kwargs}
        if kwargs.keys() <= set(rest) and members.keys() >= set(rest):
            return tuple.__new__(cls, (*args, *[members[name] for name in rest]))
    owner: Any = next(each for each in cls.__mro__ if "_fields" in vars(each))
    return _own_new(owner)(cls, *args, **kwargs)


def _own_new(owner: Any) -> Any:
    """Write a class's constructor."""
    defaults = owner._field_defaults
    given = ", ".join(f"{n}=_own[{n!r}]" if n in defaults else n for n in owner._fields)
    members = "".join(f"{name}, " for name in owner._fields)
    own = eval(  # noqa: S307  # names of our own members only
        f"lambda _cls, {given}: _new(_cls, ({members}))", {"_own": defaults, "_new": tuple.__new__}
    )
    own.__name__ = "__new__"
    own.__qualname__ = f"{owner.__qualname__}.__new__"
    owner.__new__ = own
    return own


def _make(cls: Any, members: Iterable[object]) -> Any:
    made = tuple.__new__(cls, members)
    if len(made) != len(cls._fields):
        raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
    return made


def _replace(one: Any, /, **changes: object) -> Any:
    made = one._make(map(changes.pop, one._fields, one))
    if changes:
        raise ValueError(f"Got unexpected field names: {list(changes)!r}")
    return made


def _asdict(one: Any) -> dict[str, object]:
    return dict(zip(one._fields, one, strict=True))


def _repr(one: Any) -> str:
    members = zip(one._fields, one, strict=True)
    return f"{type(one).__name__}({', '.join(f'{name}={value!r}' for name, value in members)})"


if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal, NamedTuple, Protocol, TextIO, runtime_checkable
else:
    try:
        from _collections import _tuplegetter as member
    except ImportError:  # not CPython

        def member(at: int, doc: str) -> property:
            """The member of a tuple at a place."""
            return property(lambda one: one[at], doc=doc)

    class Any:
        """Stands in aliases of types, and nowhere else while the program runs."""

    class Literal:
        """As above."""

        def __class_getitem__(cls, _values: object) -> type:
            return cls

    TextIO = Any

    class _Structural(type):
        """Makes ``isinstance`` ask for the members of a protocol."""

        def __instancecheck__(cls, one: Any) -> bool:
            if Protocol not in cls.__bases__:
                return super().__instancecheck__(one)
            return all(hasattr(one, name) for name in vars(cls) if not name.startswith("_"))

    class Protocol(metaclass=_Structural):
        """Stands for ``typing.Protocol``."""

    def runtime_checkable(cls: type) -> type:
        """All protocols are."""
        return cls

    class _Tuple(tuple):
        """What all of them have in common."""

        __slots__ = ()
        __new__ = _new
        __repr__ = _repr
        _make = classmethod(_make)
        _replace = _replace
        _asdict = _asdict

        def __getnewargs__(self) -> tuple[object, ...]:
            return tuple(self)

    class _Maker(type):
        """Makes of a class body with annotations what ``typing.NamedTuple`` makes of it."""

        def __new__(cls, name: str, _bases: Any, body: dict[str, Any]) -> type:
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body.pop(field) for field in fields if field in body}
            if tuple(defaults) != fields[len(fields) - len(defaults) :]:
                raise TypeError(f"{name}: a field without a default follows one with a default")
            members = {field: member(at, field) for at, field in enumerate(fields)}
            made = {"__slots__": (), "__match_args__": fields, "_fields": fields}
            made["_field_defaults"] = defaults
            return type(name, (_Tuple,), {**made, **members, **body})

    NamedTuple = type.__new__(_Maker, "NamedTuple", (tuple,), {})
