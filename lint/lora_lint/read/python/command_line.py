"""What the commands that start a program give to its options: argparse's, and dataclasses' fields.

Each command is a run of its own. Where none gives an option, the option has its default.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping

from lora_lint.read.choices import Arms
from lora_lint.read.python.scopes import Module
from lora_lint.read.python.values import Thunk, Unresolved, Value, Values, distinct
from lora_rules.engine._startup.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from lora_lint.read.python.program import Program
    from lora_lint.read.shell.commands import Flag
    from lora_lint.read.shell.starts import Start
    from lora_lint.read.shell.variables import Text

Conversion = Callable[[str], object]
_CONVERSIONS: Mapping[str, Conversion] = {"int": int, "float": float, "str": str, "bool": bool}
_TRUE = frozenset(["yes", "true", "t", "y", "1"])
_FALSE = frozenset(["no", "false", "f", "n", "0"])


def given(
    program: Program,
    home: Module,
    names: Iterable[str],
    convert: Callable[[tuple[str, ...]], object],
    default: Thunk,
) -> Values | None:
    """What an option is in each of the runs; ``None`` if no command is known, or none gives it.

    Args:
        program: the run.
        home: the module that reads the command line.
        names: what the option is called, as :class:`Flag` writes names.
        convert: the value of its words.
        default: what it is where a command does not give it.
    """
    wanted = set(names)
    runs = program.started(home)
    flags = [(arms, start, _flag(start, wanted)) for arms, start in runs]
    if not any(flag is not None for _, _, flag in flags):
        return None
    found: list[Value] = []
    for arms, start, flag in flags:
        values = (
            _left_out(default(), start) if flag is None else _values(program, start, flag, convert)
        )
        found += (each for value in values for each in value.chosen(arms))
    return distinct(found)


def _left_out(default: Values, start: Start) -> Values:
    """What an option is that a command does not give: its default, which holds for this run."""
    return default if start.is_open else tuple(v._replace(overridable=False) for v in default)


def absent(program: Program, home: Module, name: str) -> tuple[Arms, ...]:
    """The runs whose command does not give an option."""
    return tuple(arms for arms, start in program.started(home) if _flag(start, {name}) is None)


def _flag(start: Start, names: set[str]) -> Flag | None:
    return next((flag for name, flag in start.options.items() if name in names), None)


def _values(
    program: Program, start: Start, flag: Flag, convert: Callable[[tuple[str, ...]], object]
) -> Values:
    place = program.shown(start.span._replace(line=flag.word.span.line))
    if any(not text.candidates for text in flag.values):
        raise Unresolved(f"--{flag.name} of {place.path} (line {place.line})")
    source = f"--{flag.name} in line {place.line} of {place.path}"
    span = (flag.values[0] if flag.values else flag.word).span._replace(path=place.path)
    return tuple(
        Value(convert(words), plain=False, source=source, at=span, choices=choices)
        for words, choices in _rows(flag.values)
    )


def _rows(texts: tuple[Text, ...]) -> list[tuple[tuple[str, ...], Arms]]:
    """The words of a flag, in each of the ways in which the shell script may give them."""
    if len(texts) == 1:
        return [((text,), arms) for text, arms in texts[0].each()]
    if any(len(text.candidates) > 1 for text in texts):
        raise Unresolved("several words that vary")
    return [(tuple(text.literal for text in texts), ())]


# Conversions


def of_argparse(call: ast.Call, flag: str) -> Callable[[tuple[str, ...]], object]:
    """How argparse converts what an ``add_argument`` is given.

    Raises:
        Unresolved: if a function of the program does.
    """
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    action = keywords.get("action")
    if isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
        return lambda _words: action.value == "store_true"
    if action is not None:
        raise Unresolved(f"{flag} has an action that is not worked out")
    kind = keywords.get("type")
    one = _conversion(kind, flag)
    if "nargs" in keywords and not _is_optional(keywords["nargs"]):
        return lambda words: [one(word) for word in words]
    return lambda words: _single(words, one, flag)


def _is_optional(nargs: ast.expr) -> bool:
    return isinstance(nargs, ast.Constant) and nargs.value == "?"


def _conversion(kind: ast.expr | None, flag: str) -> Conversion:
    if kind is None:
        return str
    name = getattr(kind, "id", "")
    known = _CONVERSIONS.get(name)
    if known is None:
        raise Unresolved(f"{flag} is converted by a function")
    return known


def _single(words: tuple[str, ...], convert: Conversion, flag: str) -> object:
    if len(words) != 1:
        raise Unresolved(f"{flag} is given {len(words)} values")
    try:
        return convert(words[0])
    except ValueError:
        raise Unresolved(f"{flag} is given {words[0]!r}, which argparse refuses") from None


def of_field(annotation: ast.expr | None, name: str) -> Callable[[tuple[str, ...]], object]:
    """How transformers' ``HfArgumentParser`` converts what a dataclass field is given."""
    text = "" if annotation is None else ast.unparse(annotation)
    text = text.removeprefix("Optional[").removesuffix(" | None").strip("'\"")
    if text.startswith(("List[", "list[", "typing.List[")):
        inner = text.partition("[")[2].rstrip("]")
        one = _of_type(inner)
        return lambda words: [_converted(one, word, name) for word in words]
    one = _of_type(text.rstrip("]"))
    return lambda words: _converted(one, words[0], name) if words else True


def _of_type(name: str) -> Conversion:
    return _truth if name == "bool" else _CONVERSIONS.get(name, str)


def of_library(default: object, name: str) -> Callable[[tuple[str, ...]], object]:
    """How a field of a library's arguments is converted, going by its default."""
    if isinstance(default, bool):
        return lambda words: _converted(_truth, words[0], name) if words else True
    if isinstance(default, int | float | str):
        one: Conversion = str if isinstance(default, str) else _number
        return lambda words: _single(words, one, f"--{name}")
    return _plain


def _number(word: str) -> object:
    number = float(word)
    return int(word) if word.lstrip("+-").isdigit() else number


def _plain(words: tuple[str, ...]) -> object:
    """What a field without a default's type is: a number or a truth value, else the text."""
    values = [_scalar(word) for word in words]
    return True if not values else values[0] if len(values) == 1 else values


def _scalar(word: str) -> object:
    try:
        return _number(word)
    except ValueError:
        return {"True": True, "False": False}.get(word, word)


def _converted(convert: Conversion, word: str, name: str) -> object:
    try:
        return convert(word)
    except ValueError:
        raise Unresolved(f"--{name} is given {word!r}, which is refused") from None


def _truth(word: str) -> bool:
    if word.lower() in _TRUE:
        return True
    if word.lower() in _FALSE:
        return False
    raise ValueError(word)
