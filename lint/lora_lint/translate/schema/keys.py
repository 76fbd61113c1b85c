"""Framework keys that are misspelt in a table: it would read a key that no file has.

Where the table has the framework's own list of keys, a field's key has to be in it. Where it has
none, a key is taken to be misspelt if one of its words occurs in no other table, library or list,
and is one typing error away from a word that does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lora_lint.translate.schema.names import did_you_mean
from lora_lint.translate.table import Table
from lora_rules.engine.askable import keywords
from lora_rules.libraries import signatures
from lora_rules.settings import SETTINGS

ORDINARY = frozenset({"fine"})
"""Words that only one framework has, and that are right although another word is near."""
_HERE = "ORDINARY of lint/lora_lint/translate/schema/keys.py"


def strange(
    table: Table, prefixes: Iterable[str], words: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """The setting and what is wrong with its key, for each misspelt key of a table.

    Args:
        table: the table.
        prefixes: where its list of keys begins, one for each list; empty for the top level.
        words: those of other tables and of all lists.
    """
    listed = tuple(prefixes)
    options = frozenset().union(*map(signatures.every_field, table.programs))
    for field in table.fields:
        for key in field.keys:
            plain = key.replace("[]", "")
            if plain in options:
                continue
            if listed and any(plain.startswith(prefix) for prefix in listed):
                if not _is_listed(plain, table.known_keys):
                    meant = did_you_mean(plain, table.known_keys)
                    yield field.name, f"{key} is no key of the framework{meant}"
            elif wrong := _misspelt(plain, words):
                yield field.name, f"{key} is no key that is known{wrong}"


def words_of(names: Iterable[str]) -> frozenset[str]:
    """The words that names consist of."""
    return frozenset(word for name in names for word in re.split(r"[^A-Za-z0-9]+", name) if word)


def words_of_libraries() -> frozenset[str]:
    """The words of all settings."""
    return words_of([*SETTINGS, *keywords()])


def _is_listed(key: str, known: frozenset[str]) -> bool:
    """Whether a list has the key, or a mapping around it of whose keys the list says nothing."""
    if key in known:
        return True
    above = key
    while "." in above:
        above = above.rpartition(".")[0]
        if above in known:
            return not any(other.startswith(f"{above}.") for other in known)
    return False


def _misspelt(key: str, words: frozenset[str]) -> str:
    for word in sorted(words_of([key]) - words - ORDINARY):
        near = next((known for known in sorted(words) if _one_error(word, known)), None)
        if near is not None:
            return f"; did you mean {key.replace(word, near)}? (if not, put {word} into {_HERE})"
    return ""


def _one_error(word: str, meant: str) -> bool:
    """Whether a letter is wrong, missing or too many, or two are exchanged: not a mere ending."""
    if abs(len(word) - len(meant)) > 1 or min(len(word), len(meant)) < 4:
        return False
    if word[0] != meant[0] or word.startswith(meant) or meant.startswith(word):
        return False
    start = next(at for at, pair in enumerate(zip(word, meant, strict=False)) if len(set(pair)) > 1)
    one, other = word[start:], meant[start:]
    exchanged = one[:2] == other[:2][::-1] and one[2:] == other[2:]
    return exchanged or one[1:] == other[1:] or one[1:] == other or one == other[1:]
