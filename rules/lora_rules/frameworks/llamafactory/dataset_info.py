"""What LLaMA-Factory refuses of a ``dataset_info.json``: ``data/parser.py``, ``converter.py``.

An entry's ``columns`` and ``tags`` replace all defaults: what they leave out is nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lora_rules.engine._startup.typed import Any
from lora_rules.engine.declarations import Complaint
from lora_rules.engine.unknown import Unknown
from lora_rules.repository import Repository

SOURCES = ("file_name", "hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name")
"""Where an entry's rows are from: it has one of these."""
ENTRY = (*SOURCES, "formatting", "ranking", "subset", "split", "folder", "num_samples", "columns")
COLUMNS = (
    "prompt",
    "query",
    "response",
    "history",
    "messages",
    "system",
    "tools",
    "images",
    "videos",
    "audios",
    "chosen",
    "rejected",
    "kto_tag",
)
NEEDED_TAGS = ("role_tag", "content_tag", "user_tag", "assistant_tag")
TAGS = (*NEEDED_TAGS, "observation_tag", "function_tag", "system_tag")
FORMATS = ("alpaca", "sharegpt", "openai")
ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
"""The columns of an entry that has no ``columns``; ``conversations`` holds its messages."""
MEANT = {
    "format": "formatting",
    "instruction": "prompt",
    "input": "query",
    "output": "response",
    "answer": "response",
    "completion": "response",
    "question": "prompt",
    "conversations": "messages",
    "conversation": "messages",
    "role": "role_tag",
    "content": "content_tag",
    "user": "user_tag",
    "assistant": "assistant_tag",
}
"""What people write for a key, too far apart for spelling alone to show."""
PAIRS = ("dpo", "rm")
"""Stages that compare two answers."""
ENDINGS = (".json", ".jsonl", ".csv", ".parquet", ".arrow", ".txt")


def complaints(
    names: Sequence[str], method: str, folder: str, repository: Repository
) -> Iterator[Complaint]:
    """What is wrong with the data sets that a run names.

    Args:
        names: of the data sets.
        method: the stage.
        folder: ``dataset_dir``.
        repository: the files around.
    """
    file = f"{folder.rstrip('/')}/dataset_info.json"
    document = repository.document(file)
    if document is None or not _is_dataset_info(document):
        return
    for name in names:
        entry = document.get(name)
        if name not in document:
            yield _undefined(name, document, file)
        elif isinstance(entry, dict):
            for each in _of_entry(entry, method, folder, repository):
                yield each._replace(says=f"{name} in {file}: {each.says}")


def _is_dataset_info(document: Mapping[str, Any]) -> bool:
    """Other programs have files of that name, with one data set and other keys."""
    return any(
        isinstance(entry, dict) and any(key in entry for key in SOURCES)
        for entry in document.values()
    )


def _undefined(name: str, document: Mapping[str, Any], file: str) -> Complaint:
    near = _near(name, tuple(document))
    looks_like_file = name.endswith(ENDINGS) or "/" in name
    do = (
        "A data set is named by its key in that file, which holds the path."
        if looks_like_file and not near
        else f"Did you mean {near}?"
        if near
        else f"Declare it in {file}."
    )
    return Complaint(f"{file} has no data set {name}: LLaMA-Factory raises ValueError", do)


def _near(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # only for a message

    near = get_close_matches(name, known, 1, 0.75)
    return near[0] if near else ""


def _of_entry(
    entry: Mapping[str, Any], method: str, folder: str, repository: Repository
) -> Iterator[Complaint]:
    columns, tags = entry.get("columns"), entry.get("tags")
    yield from _unread(entry, (*ENTRY, "tags"), "", near_only=True)
    if isinstance(columns, dict):
        yield from _unread(columns, COLUMNS, "columns.")
    if isinstance(tags, dict):
        yield from _unread(tags, TAGS, "tags.")
    formatting = entry.get("formatting", "alpaca")
    if formatting not in FORMATS:
        known = ", ".join(FORMATS)
        yield Complaint(
            f'formatting "{formatting}": LLaMA-Factory raises ValueError',
            f"Take one of {known}.",
        )
        return
    yield from _of_stage(entry, method)
    mapped = _columns(columns, formatting)
    if formatting != "alpaca":
        yield from _of_conversation(columns, tags)
    yield from _answers(entry, mapped, formatting, method)
    yield from _file(entry, mapped, tags, formatting, folder, repository)


def _unread(
    given: Mapping[str, Any], known: Sequence[str], where: str, *, near_only: bool = False
) -> Iterator[Complaint]:
    """Keys that are passed over: of an entry only those that are near to one that is read."""
    meant = {
        key: _meant(key, tuple(each for each in known if each not in given))
        for key in given
        if key not in known
    }
    lost = [key for key, instead in meant.items() if instead or not near_only]
    if not lost:
        return
    named = [instead for key in lost if (instead := meant[key])]
    yield Complaint(
        f"{' and '.join(where + key for key in lost)} {'is' if len(lost) == 1 else 'are'} not read",
        f"Did you mean {' and '.join(named)}?" if named else f"Known are {', '.join(known)}.",
        fails=False,
    )


def _meant(key: str, known: Sequence[str]) -> str:
    meant = MEANT.get(key, "")
    return meant if meant in known else _near(key, known)


def _of_stage(entry: Mapping[str, Any], method: str) -> Iterator[Complaint]:
    """Whether the entry goes with the stage: a comparison needs pairs, others take none."""
    ranking = entry.get("ranking", False)
    if method in PAIRS and ranking is False:
        yield Complaint(
            f"stage {method} needs ranking: true: LLaMA-Factory raises ValueError",
            'Add "ranking": true, and name chosen and rejected in columns.',
        )
    elif method not in PAIRS and ranking is True:
        yield Complaint(
            f"ranking: true is for dpo and rm, not for stage {method}: LLaMA-Factory raises "
            "ValueError",
            "Take a data set without ranking.",
        )


def _columns(columns: object, formatting: str) -> Mapping[str, str]:
    """The columns that are read of each row."""
    if not isinstance(columns, dict):
        return ALPACA if formatting == "alpaca" else {"messages": "conversations"}
    return {
        key: value for key, value in columns.items() if key in COLUMNS and isinstance(value, str)
    }


def _of_conversation(columns: object, tags: object) -> Iterator[Complaint]:
    if isinstance(columns, dict) and "messages" not in columns:
        yield Complaint(
            "columns has no messages: LLaMA-Factory raises KeyError",
            "Name the column of the conversation: columns.messages.",
        )
    if not isinstance(tags, dict):
        return
    lost = [key for key in NEEDED_TAGS if key not in tags]
    if lost:
        yield Complaint(
            f"tags has no {' and no '.join(lost)}, and tags replaces all defaults: no example can "
            "be read",
            f"Add {' and '.join(lost)}.",
        )


def _answers(
    entry: Mapping[str, Any], mapped: Mapping[str, str], formatting: str, method: str
) -> Iterator[Complaint]:
    """The columns that answers are taken from."""
    ranking = entry.get("ranking") is True
    lost = [key for key in ("chosen", "rejected") if key not in mapped]
    if ranking and lost:
        yield Complaint(
            f"ranking: true without columns.{' and columns.'.join(lost)}: LLaMA-Factory raises "
            "KeyError",
            "Name the columns of the better and the worse answer: chosen and rejected.",
        )
    elif method == "kto" and "kto_tag" not in mapped:
        yield Complaint(
            "stage kto without columns.kto_tag: every example is passed over, and LLaMA-Factory "
            "raises RuntimeError",
            "Name the column that says whether an answer is wanted: columns.kto_tag.",
        )
    elif formatting != "alpaca" or ranking:
        return
    elif "messages" in mapped and "prompt" not in mapped:
        yield Complaint(
            "columns.messages is read only with formatting: sharegpt or openai, and columns has no "
            "prompt: every prompt is empty",
            'Add "formatting": "sharegpt".',
        )
    elif method == "sft" and "response" not in mapped:
        yield Complaint(
            "columns has no response: every example is passed over, and LLaMA-Factory raises "
            "RuntimeError",
            "Name the column of the answer: columns.response.",
        )


def _file(
    entry: Mapping[str, Any],
    mapped: Mapping[str, str],
    tags: object,
    formatting: str,
    folder: str,
    repository: Repository,
) -> Iterator[Complaint]:
    """The entry's file, if that is where its rows are from."""
    name = entry.get("file_name")
    if not isinstance(name, str) or any(key in entry for key in SOURCES[1:]):
        return
    if name.endswith(".txt"):
        yield from _of_text(mapped, formatting, name)
        return
    path = f"{folder.rstrip('/')}/{name}"
    if not repository.has_file(path):
        stem = path.rpartition(".")[0] or path
        there = [stem + end for end in ENDINGS if repository.has_file(stem + end)]
        if there:
            yield Complaint(
                f"file_name {name} is not there, {there[0]} is: LLaMA-Factory raises ValueError",
                f"Write {there[0].rpartition('/')[2]}.",
            )
        return
    try:
        rows = repository.rows(path)
    except Unknown:
        return
    yield from _of_rows(rows, mapped, tags, formatting, name)


def _of_text(mapped: Mapping[str, str], formatting: str, file: str) -> Iterator[Complaint]:
    """A file of lines, whatever stands in it: each is a row with the column ``text``."""
    lost = [f"{key} ({value})" for key, value in _used(mapped, formatting) if value != "text"]
    if lost:
        yield Complaint(
            f"{file} is loaded as lines of text, with the one column text, and has none for "
            f"{', '.join(lost)}: LLaMA-Factory raises KeyError",
            "Rename a file of JSON to .json or .jsonl; name the column text for plain text.",
        )


def _used(mapped: Mapping[str, str], formatting: str) -> Iterator[tuple[str, str]]:
    """The columns that the format reads."""
    for key, value in mapped.items():
        if value and (formatting == "alpaca" or key not in ALPACA):
            yield key, value


def _of_rows(
    rows: Sequence[Mapping[str, Any]],
    mapped: Mapping[str, str],
    tags: object,
    formatting: str,
    file: str,
) -> Iterator[Complaint]:
    there = {column for row in rows for column in row}
    lost = [f"{key} ({value})" for key, value in _used(mapped, formatting) if value not in there]
    if rows and lost:
        yield Complaint(
            f"no row of {file} has the column for {', '.join(lost)}: LLaMA-Factory raises KeyError",
            f"Name those that it has in columns: {', '.join(sorted(there)[:8])}.",
        )
    elif rows and formatting != "alpaca" and "messages" in mapped:
        yield from _of_messages(rows[0].get(mapped["messages"]), tags, file)


def _of_messages(messages: object, tags: object, file: str) -> Iterator[Complaint]:
    named = tags if isinstance(tags, dict) else {"role_tag": "from", "content_tag": "value"}
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict):
        return
    wanted = [str(named[key]) for key in ("role_tag", "content_tag") if key in named]
    lost = [key for key in wanted if key not in first]
    if lost:
        yield Complaint(
            f"the messages of {file} have no {' and no '.join(lost)}, but "
            f"{', '.join(list(map(str, first))[:4])}: LLaMA-Factory raises KeyError",
            "Write tags: role_tag, content_tag, user_tag and assistant_tag.",
        )
