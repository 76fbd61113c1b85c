"""What is known of a setting: its value, a part of it, nothing, or that it is not there.

A rule that asks for ``lora_alpha: float`` is called with a number, or not at all. One that has
something to say of the other cases as well asks for ``lora_alpha: Value`` and is given one of

* :class:`Known`: it has this value,
* :class:`Partial`: a list or mapping that has these elements in any case, and more for all we know,
* :class:`Unknown`: it is there, and its value is not known,
* :class:`Absent`: it is not there.

The last two are exceptions too: a fact raises them where it has no answer, and ``raise value``
ends a rule with the reason why it could not run.
"""

from __future__ import annotations

from collections.abc import Collection

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.brief import brief
from lora_rules.engine.types import fits
from lora_rules.engine.unknown import UNFIT, Absent, Unknown, concerning
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = [
    "Absent",
    "Known",
    "Partial",
    "Unknown",
    "Value",
    "certainly",
    "elements_of",
    "flag_of",
    "is_given",
    "not_known",
    "number_of",
    "possibly",
    "required",
    "text_of",
    "unfit",
    "value_of",
    "value_or",
]


class Known(NamedTuple):
    """It has this value."""

    value: object
    setting: Setting


class Partial(NamedTuple):
    """A list or mapping of which some elements (keys) are known."""

    elements: tuple[object, ...]
    setting: Setting
    """``setting.reason`` says why the rest is not known."""


Value: TypeAlias = "Known | Partial | Unknown | Absent"


def value_of(setting: Setting | None, name: str) -> Value:
    """What is known of a setting in one world, where it has one candidate at most."""
    if setting is None:
        return concerning(Absent(f"{name} is not given"), name)
    if setting.candidates:
        return Known(setting.candidates[0], setting)
    if setting.elements:
        return Partial(setting.elements, setting)
    return not_known(setting, name)


def not_known(setting: Setting, name: str) -> Unknown:
    """Why nothing is known of a setting that is there."""
    why = f": {setting.reason}" if setting.reason else ""
    return concerning(Unknown(f"{setting.key} is unknown{why}"), name)


def certainly(value: Value, wanted: object) -> bool:
    """Whether it is known to be equal to something, and of the same type (``True`` is not 1)."""
    return isinstance(value, Known) and type(value.value) is type(wanted) and value.value == wanted


def possibly(value: Value, wanted: object) -> bool:
    """Whether it may be equal to something: it is, or nothing says that it is not."""
    if isinstance(value, Known):
        return value.value == wanted
    return not isinstance(value, Absent)


def is_given(value: Value) -> bool:
    """Whether it is there and is, or for all we know may be, something but ``None``."""
    if isinstance(value, Known):
        return value.value is not None
    return not isinstance(value, Absent)


def elements_of(value: Value) -> tuple[object, ...]:
    """The elements that a list is known to have, be it known as a whole or in part.

    A text is no list, and has none.
    """
    if isinstance(value, Partial):
        return value.elements
    if isinstance(value, Known) and isinstance(value.value, Collection):
        return () if isinstance(value.value, str | bytes) else tuple(value.value)
    return ()


def required(value: Value) -> object:
    """The value.

    Raises:
        Unknown: if it is not known as a whole.
        Absent: if it is not there.
    """
    if isinstance(value, Known):
        return value.value
    if isinstance(value, Partial):
        raise Unknown(f"{value.setting.key} is known in part: {value.setting.reason}")
    raise value


def number_of(setting: Setting) -> float:
    """The value of a setting that a rule takes with its place.

    Raises:
        Unknown: if it is no number.
        Absent: if it is ``None``.
    """
    value = setting.value
    if isinstance(value, int | float) and fits("float", value):
        return value
    raise unfit(setting, "float")


def unfit(setting: Setting, annotation: str) -> Unknown:
    """Why a setting is not what a rule asks for: it has a value of another type, or ``None``."""
    kind = Absent if setting.value is None else Unknown
    why = f"{setting.key} is {brief(setting.value)}, which is not {annotation}"
    return concerning(kind(why), UNFIT)


def value_or(value: Value, default: object) -> object:
    """The value, or a default where it is not there.

    Raises:
        Unknown: if it is there and not known as a whole.
    """
    return default if isinstance(value, Absent) else required(value)


def flag_of(setting: Setting | None) -> bool:
    """The value of a flag that a rule takes with its place; off, where it is not there or null.

    Raises:
        Unknown: if it is no flag.
    """
    value = None if setting is None else setting.value
    if setting is None or value is None:
        return False
    if not isinstance(value, bool):
        raise Unknown(f"{setting.key} is {value!r}, which is not bool")
    return value


def text_of(setting: Setting | None) -> str:
    """The value of a text that a rule takes with its place; empty, where it is not there or null.

    Raises:
        Unknown: if it is no text.
    """
    value = None if setting is None else setting.value
    if setting is None or value is None:
        return ""
    if not isinstance(value, str):
        raise Unknown(f"{setting.key} is {value!r}, which is not str")
    return value
