"""Which data a trainer is given: ``load_dataset`` calls, through maps, selections and splits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.given import Given
from lora_lint.read.python.objects import first_step, path
from lora_lint.read.python.origins import Expression
from lora_lint.read.python.settings import setting
from lora_lint.read.python.values import Unresolved
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.history import last
from lora_rules.recipe import Call, History, Origin, Setting, Thing

if TYPE_CHECKING:
    from lora_lint.read.python.links import Links

_PASSING = frozenset(
    [
        "map",
        "shuffle",
        "filter",
        "rename_column",
        "rename_columns",
        "remove_columns",
        "select_columns",
        "train_test_split",
        "with_format",
        "cast",
        "cast_column",
        "with_transform",
        "to_iterable_dataset",
        "add_column",
        "sort",
        "flatten",
        "class_encode_column",
    ]
)
_LIMITING = frozenset(["select", "take", "shard", "skip"])
_UNKNOWN = "where the data come from is not known"
_FILE_LOADERS = frozenset(["json", "csv", "parquet", "text", "arrow"])


class Data(NamedTuple):
    """One dataset that may arrive at a trainer."""

    found: Found
    split: str | None = None
    """The split that is taken from it afterwards."""
    limited: str = ""
    """How a part of its rows is taken, when one is."""


class UnknownData(Exception):
    """Where the data come from is not known."""


def settings(links: Links, trainer: Found | None, adapter: Found) -> dict[str, Setting]:
    """``train_dataset``, ``dataset_split`` and ``data_files``; unknown where nothing decides."""
    given = trainer.expression("train_dataset") if trainer is not None else None
    if given is not None:
        key = "train_dataset"
        try:
            data = list(dict.fromkeys(_sources(links, given)))
        except UnknownData as why:
            span = given[1].text.span(given[0])
            return {key: Setting(key, (), Origin.WRITTEN, key, span, reason=str(why))}
        return _of(links, data)
    nearest = links.nearest("dataset", adapter)
    if len(nearest) > 1:
        reason = f"there are {len(nearest)} load_dataset calls"
        return {
            "train_dataset": Setting("train_dataset", (), Origin.WRITTEN, "path", reason=reason)
        }
    return _of(links, [Data(found) for found in nearest])


def _sources(links: Links, given: Expression) -> Iterator[Data]:
    seen = links.origins.seen(given)
    for each in seen:
        for call in links.origins.last(each):
            made = links.origins.known_call(call)
            if made is not None and made.found.known.kind == "dataset":
                yield _taken(links, Data(made.found), each.part, each.history)
            elif call is not None and call.name:
                raise UnknownData(f"the data come from {call.name.removeprefix('datasets.')}()")
            else:
                raise UnknownData(_UNKNOWN)
    if not seen:
        raise UnknownData(_UNKNOWN)


def _taken(links: Links, data: Data, part: str, history: History | None) -> Data:
    """The data of which a part is taken: the methods and keys that lead to it."""
    before = ""
    while part:
        step, part = first_step(part)
        if step.startswith("["):
            if not step.startswith('["'):
                raise UnknownData("a part of the data is taken in a way that is not worked out")
            data = data._replace(split=data.split or ast.literal_eval(step[1:-1]))
        elif step.removesuffix("()") in _LIMITING:
            count = _count(links, f".{step.removesuffix('()')}", before, history)
            data = data._replace(limited=data.limited or count)
        elif step.removesuffix("()") not in _PASSING:
            raise UnknownData(f"the data come from {step}")
        before = path(before, step)
    return data


def _count(links: Links, name: str, part: str, history: History | None) -> str:
    """How many rows ``select(range(n))`` or ``take(n)`` keeps, as text; ``?`` if it is unknown."""

    def is_taken(call: Call, _: Thing) -> bool:
        return call.name == name and call.on is not None and call.on.part == part

    calls = last(history, is_taken, links.origins.answers((name, part)))
    counts = {"?" if call is None else _rows(links, call) for call in calls}
    return counts.pop() if len(counts) == 1 else "?"


def _rows(links: Links, call: Call) -> str:
    arguments = call.arguments
    if not isinstance(arguments, Given) or "0" not in arguments:
        return "?"
    node, site = arguments.expression("0")
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range":
        if len(node.args) != 1:
            return "?"
        node = node.args[0]
    elif call.name != ".take":
        return "?"
    try:
        values = links.resolver.plain(node, site)
    except Unresolved:
        return "?"
    return str(values[0].value) if len(values) == 1 and isinstance(values[0].value, int) else "?"


def _of(links: Links, data: list[Data]) -> dict[str, Setting]:
    if not data:
        return {}
    if len(data) > 1:
        reason = f"the data may come from {len(data)} places"
        span = data[0].found.span
        return {
            "train_dataset": Setting(
                "train_dataset", (), Origin.WRITTEN, "path", span, reason=reason
            )
        }
    rows = [_one(links, each) for each in data]
    paths = _listed("train_dataset", [path for path, _, _ in rows])
    made = {
        "train_dataset": paths,
        "dataset_split": _listed("dataset_split", [s for _, s, _ in rows]),
    }
    files = rows[0][2]
    if files is not None:
        made["data_files"] = files
    if any(each.limited for each in data):
        made["max_samples"] = _limit(data)
    return made


def _limit(data: list[Data]) -> Setting:
    span = data[0].found.span
    counts = {each.limited for each in data}
    if len(counts) == 1 and (only := counts.pop()).isdigit():
        return Setting(
            "max_samples", (int(only),), Origin.DERIVED, "select", span, source="`select`"
        )
    return Setting("max_samples", (), Origin.WRITTEN, "select", span, reason="a part is selected")


def _one(links: Links, data: Data) -> tuple[Setting, Setting, Setting | None]:
    """The path, the split and the files of one ``load_dataset``."""
    found = data.found
    given = found.arguments
    if "path" not in given:
        reason = found.hidden or "no path is given"
        path = Setting("train_dataset", (), Origin.WRITTEN, "path", found.span, reason=reason)
    else:
        path = setting(links.resolver, "train_dataset", given["path"], found.site)
    split = Setting("dataset_split", (data.split,), Origin.WRITTEN, "split", found.span)
    if "split" in given:
        split = setting(links.resolver, "dataset_split", given["split"], found.site)
    files = None
    if "data_files" in given:
        files = setting(links.resolver, "data_files", given["data_files"], found.site)
        if path.known and path.value in _FILE_LOADERS:
            path = files._replace(name="train_dataset", candidates=_paths(files))
    return path, split, files


def _paths(files: Setting) -> tuple[object, ...]:
    """The one path of ``data_files``, in any of its shapes; none if there are several."""
    if not files.known:
        return ()
    value = files.value
    if isinstance(value, dict):
        value = value.get("train")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return (value,) if isinstance(value, str) else ()


def _listed(name: str, parts: list[Setting]) -> Setting:
    """Parallel settings as one whose value is a list."""
    first = parts[0]
    unknown = next((part for part in parts if not part.known), None)
    if unknown is not None:
        if len(parts) == 1 and len(unknown.candidates) > 1:
            return unknown._replace(name=name, candidates=tuple([v] for v in unknown.candidates))
        return unknown._replace(name=name, candidates=(), reason=unknown.reason or "several values")
    return first._replace(
        name=name,
        candidates=([part.value for part in parts],),
        overridable=any(part.overridable for part in parts),
    )
