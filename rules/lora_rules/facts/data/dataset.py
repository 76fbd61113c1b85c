"""Fact ``dataset_rows``: how many rows the training data has, or at most has.

Known from what somebody declared, from local files (counted, never loaded), and from caps:
``train[:500]``, ``max_samples``. A cap on data that cannot be counted is an upper bound.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.facts.file_dependencies import note
from lora_rules.recipe import Recipe

MAX_FILE_BYTES = 2 * 2**30
"""A larger file is not counted: it would take seconds, and is not tiny."""
MAX_ARRAY_BYTES = 64 * 2**20
"""A JSON array must be parsed whole; a larger one is not."""


class Rows(NamedTuple):
    """Rows of training data."""

    number: int
    exact: bool
    """``False``: no more than this many."""


def dataset_rows(
    train_rows: int | None = None,
    train_dataset: list[str] | str | None = None,
    dataset_split: object = None,
    max_samples: int | None = None,
    recipe: Recipe | None = None,
) -> Rows:
    """Rows of training data.

    ``train_rows`` is what somebody declared, and wins. ``max_samples`` caps each data set, as
    LLaMA-Factory's ``max_samples`` and ms-swift's ``#500`` do.

    Raises:
        Unknown: if neither the data nor a cap is known.
    """
    if train_rows is not None:
        return Rows(train_rows, exact=True)
    sources = _sources(train_dataset)
    splits = _splits(dataset_split, len(sources))
    counted = [
        _rows(source, _slices(split), max_samples, recipe)
        for source, split in zip(sources, splits, strict=True)
    ]
    return Rows(sum(rows.number for rows in counted), all(rows.exact for rows in counted))


def _sources(train_dataset: object) -> Sequence[str | None]:
    """The data sets; ``[None]`` is one that is not named."""
    if train_dataset is None:
        return [None]
    sources = [train_dataset] if isinstance(train_dataset, str) else train_dataset
    if not isinstance(sources, list) or not sources:
        raise Unknown("the training data is not a list of data sets")
    if not all(isinstance(source, str) for source in sources):
        raise Unknown("the training data is not a list of names")
    return sources


def _rows(
    source: str | None, slices: Sequence[_Slice], cap: int | None, recipe: Recipe | None
) -> Rows:
    path, reason = None, "the training data is not named"
    if source is not None:
        path, reason = _find(source, recipe)
    total = _count(path) if path is not None else None
    parts = [part.rows(total) for part in slices]
    known = [rows for rows in parts if rows is not None]
    limits = [] if cap is None or cap < 0 else [cap]
    if len(known) == len(parts):
        limits.append(sum(known))
    if not limits:
        raise Unknown(reason)
    return Rows(min(limits), exact=total is not None)


def _find(source: str, recipe: Recipe | None) -> tuple[str | None, str]:
    """The local file of that name, from the recipe's folder or from here; else why there is none.

    Raises:
        Unknown: if both are there and are different files.
    """
    folders = [os.path.dirname(recipe.path)] if recipe is not None else []
    found = [
        path
        for path in dict.fromkeys(os.path.join(folder, source) for folder in [*folders, ""])
        if os.path.isfile(note(path))
    ]
    if len(found) > 1 and not os.path.samefile(found[0], found[1]):
        raise Unknown(f"{source} is there twice: {found[0]} and {found[1]}")
    if found:
        return found[0], ""
    return None, f"the number of rows of {source} is not known: it is no file here"


def _count(path: str) -> int:
    """Rows of a file.

    Raises:
        Unknown: if it is too large, of an unknown kind, or not what its name says.
    """
    count = _COUNTERS.get(os.path.splitext(path)[1].lower())
    if count is None:
        raise Unknown(f"the rows of a file like {os.path.basename(path)} are not counted")
    try:
        if os.path.getsize(path) > MAX_FILE_BYTES:
            raise Unknown(f"{path} is larger than 2 GiB and was not counted")
        return count(path)
    except (OSError, ValueError, RecursionError) as problem:
        raise Unknown(f"{path} cannot be counted: {problem}") from None


def _count_lines(path: str) -> int:
    """JSON lines: every line that is not empty."""
    with open(path, "rb") as file:
        return sum(1 for line in file if not line.isspace())


def _count_json(path: str) -> int:
    """A JSON array, or JSON lines under another name."""
    from json import loads

    with open(path, "rb") as file:
        start = next((line for line in file if not line.isspace()), b"").lstrip(b"\xef\xbb\xbf \t")
        if not start.startswith(b"["):
            if not isinstance(loads(start or b"0"), dict):
                raise ValueError("neither an array nor JSON lines")
            return _count_lines(path)
        if os.fstat(file.fileno()).st_size > MAX_ARRAY_BYTES:
            raise ValueError("an array of more than 64 MiB")
        file.seek(0)
        rows = loads(file.read().decode("utf-8-sig"))
    if not isinstance(rows, list):
        raise ValueError("not an array")
    return len(rows)


def _count_csv(path: str) -> int:
    """Records of a CSV file after its header; a quoted field may hold line breaks."""
    import csv

    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            records = sum(1 for record in csv.reader(file, delimiter=delimiter) if record)
        except csv.Error as problem:
            raise ValueError(str(problem)) from None
    return max(records - 1, 0)


def _count_parquet(path: str) -> int:
    from lora_rules.facts.data.parquet import count_rows

    return count_rows(path)


_COUNTERS: Mapping[str, Callable[[str], int]] = {
    ".jsonl": _count_lines,
    ".ndjson": _count_lines,
    ".json": _count_json,
    ".csv": _count_csv,
    ".tsv": _count_csv,
    ".parquet": _count_parquet,
}


class _Slice(NamedTuple):
    """A part of a split, as ``datasets`` reads it: ``[start:end]``, in rows or in per cent."""

    start: int | None = None
    end: int | None = None
    percent: bool = False

    def rows(self, total: int | None) -> int | None:
        """How many, of a split of ``total``; at most how many, when that is not known."""
        if total is not None:
            return len(range(total)[self._bound(self.start, total) : self._bound(self.end, total)])
        if self.percent:
            return None
        if self.start is not None and self.start < 0 and self.end is None:
            return -self.start
        if (
            self.end is None
            or (self.start or 0) * self.end < 0
            or (self.start is None and self.end < 0)
        ):
            return None
        return max(self.end - (self.start or 0), 0)

    def _bound(self, value: int | None, total: int) -> int | None:
        """Per cent are rounded to the closest row, as ``datasets`` does by default."""
        if value is None or not self.percent:
            return value
        return round(value * total / 100)


_SPLIT = lazily(r"\w+(?:\[(-?\d+%?)?:(-?\d+%?)?\])?")


def _splits(dataset_split: object, count: int) -> Sequence[str | None]:
    """The split of each data set: one text for all, or a list beside the list of data sets.

    Raises:
        Unknown: if it is neither.
    """
    if dataset_split is None or isinstance(dataset_split, str):
        return [dataset_split] * count
    if isinstance(dataset_split, list) and len(dataset_split) == count:
        splits = [split for split in dataset_split if split is None or isinstance(split, str)]
        if len(splits) == count:
            return splits
    raise Unknown("the splits of the training data are not known")


def _slices(split: str | None) -> Sequence[_Slice]:
    """The parts of a split expression, ``train[:10%]+train[-80:]``.

    Raises:
        Unknown: if it is none.
    """
    if split is None:
        return [_Slice()]
    return list(_parse(split))


def _parse(split: str) -> Iterator[_Slice]:
    for part in split.split("+"):
        match = _SPLIT.fullmatch(part.strip())
        if match is None:
            raise Unknown(f"the split {split!r} is not understood")
        bounds = [bound for bound in match.groups() if bound is not None]
        percent = any(bound.endswith("%") for bound in bounds)
        if percent and not all(bound.endswith("%") for bound in bounds):
            raise Unknown(f"the split {split!r} mixes rows and per cent")
        start, end = (None if b is None else int(b.rstrip("%")) for b in match.groups())
        yield _Slice(start, end, percent)
