"""Fact ``dataset_rows``: how many rows the training data has, or at most has.

Known from what somebody declared, from local files (counted, never loaded), and from caps:
``train[:500]``, ``max_samples``. A cap on data that cannot be counted is an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.repository import NO_FILES, Repository


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
    repository: Repository = NO_FILES,
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
        _rows(source, _slices(split), max_samples, repository)
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
    source: str | None, slices: Sequence[_Slice], cap: int | None, repository: Repository
) -> Rows:
    total, reason = None, "the training data is not named"
    if source is not None:
        total = repository.count_rows(source)
        reason = f"the number of rows of {source} is not known: it is no file here"
    parts = [part.rows(total) for part in slices]
    known = [rows for rows in parts if rows is not None]
    limits = [] if cap is None or cap < 0 else [cap]
    if len(known) == len(parts):
        limits.append(sum(known))
    if not limits:
        raise Unknown(reason)
    return Rows(min(limits), exact=total is not None)


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
