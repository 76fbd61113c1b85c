"""Values as each syntax writes them, in the manner of what stood there before."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable

from lora_lint.fix.text import NotOffered
from lora_rules.engine._startup.record import lazily

Writer = Callable[[object, str], str]
"""A value, and what to take the manner from, to a text."""
DTYPES = frozenset({"bfloat16", "float16", "float32", "uint8"})
"""What Python may write as an attribute of torch."""


def python(value: object, like: str = "") -> str:
    """A value as Python writes it; ``like`` is what stood there, or any text of the file."""
    if isinstance(value, str):
        torch = re.fullmatch(r"((?:\w+\.)*torch\.)\w+", like.strip())
        if torch and value in DTYPES:
            return torch[1] + value
        return _quoted(value, like)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(python(item, like) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{python(key, like)}: {python(item, like)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, float):
        return _float(_same_kind(value, like), like)
    return repr(value)


def _quoted(text: str, like: str) -> str:
    single = like.count("'") > like.count('"') and "'" not in text
    written = json.dumps(text, ensure_ascii=False)
    return f"'{written[1:-1]}'" if single else written


def json_value(value: object, like: str = "") -> str:
    """A value as JSON writes it."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(json_value(item, like) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(key))}: {json_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, float):
        return _float(_same_kind(value, like), like)
    return json.dumps(value, ensure_ascii=False)


def yaml_value(value: object, like: str = "") -> str:
    """A value as a flow of YAML 1.1, which every loader reads alike."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(yaml_value(item, like) for item in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{yaml_value(key)}: {yaml_value(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, float):
        return _yaml_float(_same_kind(value, like), like)
    if isinstance(value, str):
        return _yaml_text(value, like)
    return {None: "null", True: "true", False: "false"}.get(value, str(value))  # type: ignore[call-overload, no-any-return]


_PLAIN = lazily(r"[A-Za-z_/][\w./-]*")


def _yaml_text(text: str, like: str) -> str:
    from lora_lint.read.yaml_scalars import resolve
    from lora_rules.recipe import Span

    if like[:1] in ("'", '"') and like[-1:] == like[:1]:
        quote = like[0]
        inner = text.replace("'", "''") if quote == "'" else json.dumps(text)[1:-1]
        return f"{quote}{inner}{quote}"
    plain = _PLAIN.fullmatch(text) and resolve(text, Span(1, 1, 1, 1)).value == text
    return text if plain else json.dumps(text, ensure_ascii=False)


def _yaml_float(value: float, like: str) -> str:
    """With a point and a signed exponent: without them YAML 1.1 reads a text."""
    text = _float(value, like)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text
    mantissa = mantissa if "." in mantissa else f"{mantissa}.0"
    return f"{mantissa}e{exponent if exponent[0] == '-' else '+' + exponent}"


def shell_word(value: object, like: str = "") -> str:
    """A value as one word of a command line."""
    if isinstance(value, list | tuple):
        return " ".join(shell_word(item) for item in value)
    if value is None or isinstance(value, dict):
        raise NotOffered("a command line has no way to write that")
    if isinstance(value, bool):
        lower = like.strip("\"'").islower() or not like
        return str(value).lower() if lower else str(value)
    text = _float(_same_kind(value, like), like) if isinstance(value, float) else str(value)
    if like[:1] in ("'", '"') and like[-1:] == like[:1] and not set(text) & set("'\"\\$`"):
        return f"{like[0]}{text}{like[0]}"
    if re.fullmatch(r"[\w./:,@%+-]+", text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _same_kind(value: float, like: str) -> float:
    """A whole number stays one where one stood."""
    whole = re.fullmatch(r"[-+]?\d+", like.strip("\"' "))
    return int(value) if whole and value.is_integer() else value


_EXPONENT = lazily(r"[-+\d._]+e[-+]?\d+", re.IGNORECASE)


def _float(value: float, like: str = "") -> str:
    """The shortest digits that give the number, with an exponent where one stood."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        raise NotOffered("there is no number to write")
    text = repr(value)
    if "e" not in text and value and _EXPONENT.fullmatch(like.strip("\"' ")):
        digits = len(text.replace(".", "").strip("-0")) - 1
        text = f"{value:.{max(digits, 0)}e}"
    return re.sub(r"e\+?(-?)0*(\d)", r"e\1\2", text)


def is_python_literal(text: str) -> bool:
    """Whether a text is a value as it stands, or one of torch's dtypes."""
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        name = text.strip().rpartition("torch.")[2]
        return "torch." in text and name in DTYPES
    return True
