"""Functions that the tables name in ``as:``, each from what a framework writes to the field's term.

A function gets a plain Python value and gives another; what it cannot make sense of it leaves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

DTYPES = {
    "bf16": "bfloat16",
    "bfloat16": "bfloat16",
    "fp16": "float16",
    "float16": "float16",
    "half": "float16",
    "16": "float16",
    "fp32": "float32",
    "float32": "float32",
    "float": "float32",
    "32": "float32",
    "auto": "auto",
}
"""Short and long names of the dtypes that adapters are trained in."""


def comma_list(value: object) -> object:
    """``"q_proj, v_proj"`` is two modules, with or without brackets around them."""
    if not isinstance(value, str):
        return value
    return [part for part in (piece.strip() for piece in value.strip("[]").split(",")) if part]


def words(value: object) -> object:
    """``"a b"`` or ``"a,b"`` is two."""
    return re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value


def one_or_many(value: object) -> object:
    """A single name is a list of one."""
    return [value] if isinstance(value, str) else value


def unwrap(value: object) -> object:
    """A list of one is what it holds: TRL unwraps ``[all-linear]``."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def negation(value: object) -> object:
    """A key that switches off."""
    return not value if isinstance(value, bool) else value


def boolean(value: object) -> object:
    """Whether there is anything: a flag written as a word (``unsloth``), a path or a size."""
    if isinstance(value, str):
        return value.lower() not in ("", "false", "none", "no", "off", "0")
    return bool(value)


def dtype(value: object) -> object:
    """``torch.bfloat16``, ``bf16`` and ``bf16-true`` are one."""
    if not isinstance(value, str | int):
        return value
    text = str(value).removeprefix("torch.").removeprefix("amp_").lower()
    return DTYPES.get(re.sub(r"-(true|mixed)$", "", text), value)


def is_bf16(value: object) -> object:
    """Whether a dtype is bfloat16."""
    return dtype(value) == "bfloat16"


def is_fp16(value: object) -> object:
    """Whether a dtype is float16."""
    return dtype(value) == "float16"


def lower(value: object) -> object:
    """In lower case."""
    return value.lower() if isinstance(value, str) else value


def last_segment(value: object) -> object:
    """``torch.optim.AdamW`` is AdamW."""
    return value.rpartition(".")[2] if isinstance(value, str) else value


def largest(value: object) -> object:
    """The largest of several caps, when every data set has one."""
    if not isinstance(value, list):
        return value
    if not value or not all(isinstance(item, int) for item in value):
        return None
    return max(value)


def positive(value: object) -> object:
    """A limit that is off at 0 or -1."""
    return value if isinstance(value, int | float) and value > 0 else None


def loftq_if_true(value: object) -> object:
    """A switch for LoftQ."""
    return "loftq" if value is True else True


def float_dtype(value: object) -> object:
    """A dtype, unless it is a width in bits (``int4``)."""
    known = dtype(value)
    return None if isinstance(known, str) and known.startswith("int") else known


def trainer(value: object) -> object:
    """``TRL_SFT`` is supervised fine-tuning, by TRL."""
    return str(value).lower().removeprefix("trl_").removeprefix("verl_")


def commas_only(value: object) -> object:
    """Several names with commas between them are a list; a single word may be a pattern."""
    is_list = isinstance(value, str) and re.fullmatch(r"[\w.-]+(\s*,\s*[\w.-]+)+", value)
    return comma_list(value) if is_list else value


def initialisation(value: object) -> object:
    """``"true"`` and ``"false"`` are written as words where the argument is text."""
    return {"true": True, "false": False, "default": True}.get(str(value).lower(), value)


SPELLINGS: Mapping[str, Callable[[object], object]] = {
    function.__name__: function
    for function in (
        comma_list,
        words,
        one_or_many,
        unwrap,
        negation,
        boolean,
        dtype,
        is_bf16,
        is_fp16,
        lower,
        last_segment,
        largest,
        positive,
        loftq_if_true,
        float_dtype,
        trainer,
        commas_only,
        initialisation,
    )
}
CHANGES_KIND = frozenset(
    {"negation", "boolean", "is_bf16", "is_fp16", "loftq_if_true", "positive", "largest"}
)
"""Those after which the value is no other way to write the same, but a conclusion from it."""
