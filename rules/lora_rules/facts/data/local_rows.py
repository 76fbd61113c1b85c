"""Fact ``local_rows``, and what is asked of it: a look into small local data files.

Only small files of JSON lines and JSON arrays are opened, and only rows in a shape that
trainers know (``messages``, ``prompt`` and ``completion``, ``text``, …) are measured. There is no
tokenizer here: a row counts as too long when its text has more characters than ``max_length``
tokens could hold, at eight a token. English has about four, so a row that counts is at least
twice too long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.value import Unknown
from lora_rules.repository import Repository, Row

CHARACTERS = 8
"""Characters a token has at the very most, spaces in a row counted once."""
COLUMNS = (
    "messages",
    "conversations",
    "prompt",
    "completion",
    "instruction",
    "input",
    "output",
    "question",
    "answer",
    "text",
)

ANSWERS = ("completion", "output", "answer")
"""Columns that hold what is to be answered."""
SPEAKERS = ("assistant", "gpt")
"""Who answers in a conversation."""


class LongRows(NamedTuple):
    """How many rows of the local data are too long."""

    rows: int
    too_long: int


class RepeatedRows(NamedTuple):
    """How many rows of the local data have been there before."""

    rows: int
    repeated: int


def local_rows(train_dataset: list[str] | str, repository: Repository) -> list[Row]:
    """Every row of the training data.

    Raises:
        Unknown: if the data are not small local files of rows.
    """
    sources = [train_dataset] if isinstance(train_dataset, str) else train_dataset
    return [row for source in sources for row in repository.rows(source)]


def long_rows(max_length: int, local_rows: list[Row]) -> LongRows:
    """Rows whose text cannot fit ``max_length`` tokens.

    Raises:
        Unknown: if the rows have no shape that trainers know.
    """
    if max_length < 1:
        raise Unknown("max_length is not a positive number")
    lengths = [_characters(_known(row)) for row in local_rows]
    if not lengths:
        raise Unknown("the data have no rows")
    limit = CHARACTERS * max_length
    return LongRows(len(lengths), sum(length > limit for length in lengths))


def repeated_rows(local_rows: list[Row]) -> RepeatedRows:
    """Rows that are, letter by letter, there already."""
    from json import dumps

    different = {dumps(row, sort_keys=True) for row in local_rows}
    return RepeatedRows(len(local_rows), len(local_rows) - len(different))


def answer_tokens(local_rows: list[Row], max_length: int) -> int:
    """Tokens that the answers of the local data have at the very least, each row counted once.

    Only rows that surely fit ``max_length`` are counted, which a tokenizer of bytes makes of as
    many tokens as bytes at most; an answer has at least one token in ``CHARACTERS`` characters.

    Raises:
        Unknown: if no row surely holds an answer.
    """
    answers = {(_bytes(row), tuple(_answers(row))) for row in local_rows}
    lengths = [_characters(texts) for size, texts in answers if size <= max_length]
    if not any(lengths):
        raise Unknown("the data have no answers that surely fit max_length")
    return sum(lengths) // CHARACTERS


def _bytes(row: Row) -> int:
    known = [row[name] for name in COLUMNS if name in row]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in _texts(known))


def _characters(texts: Iterable[str]) -> int:
    """Their length, spaces in a row counted once."""
    return sum(len(" ".join(text.split())) for text in texts)


def _answers(row: Row) -> Iterator[str]:
    """The texts that every trainer trains on, whatever it masks."""
    for name in ANSWERS:
        yield from _texts(row.get(name))
    for name in ("messages", "conversations"):
        for turn in row.get(name) or ():
            if isinstance(turn, dict) and (turn.get("role") or turn.get("from")) in SPEAKERS:
                yield from _texts([turn])


def _known(row: Row) -> Iterator[str]:
    """The texts of the columns that are trained on.

    Raises:
        Unknown: if there is none of them.
    """
    known = [row[name] for name in COLUMNS if name in row]
    if not known:
        raise Unknown("the rows have none of the columns that trainers know")
    return _texts(known)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name in ("content", "value"):
            yield from _texts(value.get(name))
