"""The page of the dialects: what is read in each framework's files, which default is assumed."""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path

from lora_lint.translate import framework as dialect
from lora_lint.translate.table import REQUIRED, Field, Times
from lora_rules import frameworks

TABLES = Path(frameworks.__file__).parent

INTRODUCTION = """\
# What is read

A framework's configuration is read through a table: how to know its files, and for every setting
the framework's own key, the value that it takes when the key is absent, and when. A rule sees only
the setting, under the name that PEFT, bitsandbytes, transformers or TRL give it; a message shows
the key as it is written. A default that is the framework's own is linted too, and named as such;
where a framework demands a value there is none to assume. Each table stands in
`rules/lora_rules/frameworks/`, with the version of the framework's source that it was read from.
Each framework has a page: how its files are known, what is read, what is refused, by version.

`lora-lint show FILE` prints how a file was understood, every value with its origin.
"""


def dialects_page() -> str:
    """All dialects, in the order in which a file is compared with them, each with its page."""
    lines = [
        f"- [{dialect.load(name).framework}](frameworks/{name}.md): `dialect: {name}`"
        for name in dialect.names()
        if name != "generic"
    ]
    return "\n".join([INTRODUCTION, *lines, "", "## Anything else\n", *_of_generic()])


def _of_generic() -> list[str]:
    rows, _more = rows_of("generic")
    head = "| setting | key | when it is absent |\n|---|---|---|\n"
    return [f"{about('generic')}\n", f"{head}{rows}\n"]


def rows_of(name: str) -> tuple[str, int]:
    """The rows of a dialect's table, and how many settings stand under their own names."""
    fields = dialect.load(name).table.fields
    told = [field for field in fields if _is_worth_telling(field)]
    return "\n".join(_row(field) for field in told), len(fields) - len(told)


def about(name: str) -> str:
    """The dialect's name, and where its table was read from: the comment at the table's head."""
    lines = (TABLES / name.replace("-", "_") / "keys.yaml").read_text().splitlines()
    comment = [line.lstrip("# ") for line in takewhile(lambda line: line.startswith("#"), lines)]
    return " ".join([f"`dialect: {name}`.", *comment])


def _is_worth_telling(field: Field) -> bool:
    """Not what stands under its own name and does nothing unless it is written."""
    own_name = [key.rpartition(".")[2] for key in field.keys] == [field.name]
    return not own_name or bool(field.equals) or field.default not in (None, False, {}, "none")


def _row(field: Field) -> str:
    keys = " or ".join(f"`{key}`" for key in field.keys) or "(no key)"
    if field.equals is not None:
        keys += f" = `{field.equals}`"
    return f"| `{field.name}` | {keys} | {_default(field)} |"


def _default(field: Field) -> str:
    if field.default is None:
        return "unset"
    if field.default == REQUIRED:
        return "refused" if field.keys else "unknown"
    if isinstance(field.default, Times):
        value = f"{field.default.factor:g} x `{field.default.of}`"
    else:
        value = f"`{json.dumps(field.default)}`"
    who = f" ({field.default_by})" if field.default_by else ""
    return value + (f" with `{field.when}`" if field.when else "") + who
