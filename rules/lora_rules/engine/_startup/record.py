"""Dataclasses, and patterns, that cost next to nothing until they are used.

The linter starts anew for every commit. ``dataclasses`` imports ``inspect`` and compiles six
functions a class; ``re.compile`` of all our patterns takes longer than to read a recipe. What is
here means the same, to the type checker too, and leaves the work to the first use.
"""

# ruff: noqa: ANN401  # a record may be of any class
from __future__ import annotations

from collections.abc import Callable

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any

__all__ = ["lazily", "record", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
    from re import compile as lazily
else:

    def record(*, frozen: bool) -> Callable[[type], type]:
        """What ``dataclass(frozen=True)`` makes; ``frozen`` is for the type checker, and is so."""

        def make(cls: type) -> type:
            names = tuple(cls.__annotations__)
            cls.__match_args__ = names
            cls.__init__ = _init
            cls.__repr__, cls.__eq__, cls.__hash__ = _repr, _eq, _hash
            cls.__setattr__, cls.__delattr__ = _refuse, _refuse
            cls.__dataclass_fields__ = _Fields()
            return cls

        return make

    def replace(one: Any, /, **changes: object) -> Any:
        """The same with other members."""
        cls = type(one)
        members = {name: getattr(one, name) for name in cls.__match_args__}
        return cls(**{**members, **changes})

    class lazily:  # noqa: N801  # stands for re.compile
        """A pattern that is compiled when it is first asked for anything."""

        def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
            self._source = (pattern, flags)

        def __getattr__(self, name: str) -> Any:
            import re

            if name.startswith("__"):
                raise AttributeError(name)
            found = getattr(re.compile(*self._source), name)
            self.__dict__[name] = found
            return found


class _Fields:
    """``__dataclass_fields__`` of a record, for ``dataclasses.replace``, ``fields`` and such."""

    def __get__(self, one: object, cls: Any) -> Any:
        from dataclasses import field, fields, make_dataclass

        members = [(name, "object", field()) for name in cls.__match_args__]
        made: Any = make_dataclass(cls.__name__, members, kw_only=True)
        cls.__dataclass_fields__ = {each.name: each for each in fields(made)}
        return cls.__dataclass_fields__


_SOON = 16
"""How many objects a class makes before its own ``__init__`` is written: most make a few."""
_made: dict[Any, int] = {}


def _init(one: Any, *args: object, **kwargs: object) -> None:
    """Fill an object as the class's own ``__init__`` would, which is quicker once it is written."""
    cls: Any = next(each for each in type(one).__mro__ if "__match_args__" in vars(each))
    _made[cls] = made = _made.get(cls, 0) + 1
    names, own = cls.__match_args__, vars(cls)
    rest = names[len(args) :]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    complete = all(name in kwargs or name in own for name in rest)
    if made < _SOON and complete and kwargs.keys() <= set(rest) and len(args) <= len(names):
        one.__dict__.update({name: given[name] if name in given else own[name] for name in names})
        if hasattr(cls, "__post_init__"):
            one.__post_init__()
        return
    cls.__init__ = _own_init(cls)
    cls.__init__(one, *args, **kwargs)


def _own_init(cls: Any) -> Any:
    """Write a class's ``__init__``."""
    names, own = cls.__match_args__, vars(cls)
    given = ", ".join(f"{name}=_own[{name!r}]" if name in own else name for name in names)
    members = "".join(f"\n    _members[{name!r}] = {name}" for name in names)
    after = "\n    _self.__post_init__()" if hasattr(cls, "__post_init__") else ""
    written: dict[str, Any] = {}
    exec(  # noqa: S102  # names of our own members only
        f"def __init__(_self, {given}):\n    _members = _self.__dict__{members}{after}",
        {"_own": own},
        written,
    )
    return written["__init__"]


def _members(one: Any) -> tuple[object, ...]:
    return tuple([getattr(one, name) for name in one.__match_args__])


def _repr(one: Any) -> str:
    inside = ", ".join(f"{name}={getattr(one, name)!r}" for name in one.__match_args__)
    return f"{type(one).__qualname__}({inside})"


def _eq(one: Any, other: Any) -> Any:
    if type(other) is not type(one):
        return NotImplemented
    return _members(one) == _members(other)


def _hash(one: Any) -> int:
    return hash(_members(one))


def _refuse(one: Any, name: str, *_value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")
