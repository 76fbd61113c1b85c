"""What a script's variables hold, as far as its text tells.

An assignment at the top level counts until the next one. A name that is assigned inside a
condition, a loop or a function is not known, unless it is the loop's own variable over words that
are. ``${NAME:-8}`` is 8, and the environment can change it.
"""

from __future__ import annotations

from itertools import islice, product

from lora_lint.read.shell.scan import Piece, Word
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import CANDIDATES, VARIABLE_SIZE
from lora_rules.recipe import Span

_ASSIGNMENT = lazily(r"([A-Za-z_]\w*)(\+?)=")
_OPENERS = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_NEUTRAL = frozenset({"then", "do", "else", "elif", "in", "!", "time"})
_DECLARERS = frozenset({"export", "local", "declare", "readonly", "typeset"})


class Text(NamedTuple):
    """A word after its variables were put in."""

    candidates: tuple[str, ...]
    """Empty when it is not known."""
    span: Span
    quoted: bool = False
    unknown: str = ""
    """What keeps it from being known."""
    default_of: str = ""
    """``${NAME:-8}``, when the text is the default of such a use."""


class Variables:
    """The variables in force while a script is read from top to bottom."""

    def __init__(self) -> None:
        """Begin with none."""
        self._values: dict[str, tuple[Text, ...] | None] = {}
        self._depth = 0
        self._loops: list[str] = []

    def take(self, command: list[Word]) -> list[Text]:
        """Account for one command.

        Returns:
            Its words with variables put in; empty if it only assigns or only steers.
        """
        words = self._steer(list(command))
        declares = bool(words) and words[0].literal in _DECLARERS
        if declares:
            words = [word for word in words[1:] if not word.start.startswith("-")]
        rest = self._assign(words, declares=declares)
        return [] if declares else [text for word in rest for text in self.expand(word)]

    def _steer(self, words: list[Word]) -> list[Word]:
        while words:
            first = words[0].literal
            if first == "for" and len(words) > 3 and words[2].literal == "in":
                self._loop(words)
                return []
            if first in _OPENERS:
                self._depth += 1
                if first in ("for", "while", "until", "select"):
                    self._loops.append("")
            elif first in _CLOSERS:
                self._depth = max(0, self._depth - 1)
                if first == "done" and self._loops:
                    self._values.pop(self._loops.pop(), None)
            elif first not in _NEUTRAL:
                break
            words.pop(0)
        return words

    def _loop(self, words: list[Word]) -> None:
        name = words[1].literal or ""
        items = [text for word in words[3:] for text in self.expand(word)]
        known = all(len(item.candidates) == 1 for item in items)
        candidates = tuple(item.candidates[0] for item in items) if known else ()
        self._values[name] = (Text(candidates, words[1].span, unknown=f"${name} is a loop's"),)
        self._depth += 1
        self._loops.append(name)

    def _assign(self, words: list[Word], *, declares: bool) -> list[Word]:
        """Take in leading assignments; what follows them is the command."""
        leading = []
        while words and _ASSIGNMENT.match(words[0].start):
            leading.append(words.pop(0))
            if _is_array(leading[-1], words):
                end = next(at for at, word in enumerate(words) if _closes(word))
                self._set(leading[-1], tuple(words[:end]), array=True)
                del words[: end + 1]
                leading.pop()
        if words and not declares:
            return words  # NAME=value command: only for that command
        for word in leading:
            self._set(word, (), array=False)
        return words if not declares else []

    def _set(self, word: Word, items: tuple[Word, ...], *, array: bool) -> None:
        match = _ASSIGNMENT.match(word.start)
        if match is None:
            return
        name = match[1]
        if self._depth:
            self._values[name] = None
            return
        if array:
            texts = tuple(text for item in items for text in self.expand(item))
        else:
            first = Piece("text", word.start[match.end() :])
            texts = tuple(self.expand(Word((first, *word.pieces[1:]), word.span), split=False))
        if match[2]:
            texts = self._appended(name, texts, array=array)
        self._values[name] = texts

    def _appended(self, name: str, texts: tuple[Text, ...], *, array: bool) -> tuple[Text, ...]:
        before = self._values.get(name)
        if before is None:
            return (Text((), texts[0].span, unknown=f"${name}"),) if texts else ()
        if array:
            return (*before, *texts)
        both = [text.candidates[0] for text in (*before, *texts) if len(text.candidates) == 1]
        joined = "".join(both)
        if len(both) < len(before) + len(texts) or len(joined) > VARIABLE_SIZE:
            return (Text((), texts[0].span, unknown=f"${name}"),)
        return (Text((joined,), texts[0].span),)

    def expand(self, word: Word, *, split: bool = True) -> list[Text]:
        """A word with its variables put in; an unquoted one may become several words."""
        alone = word.pieces[0] if len(word.pieces) == 1 else None
        if alone is None and [p for p in word.pieces if p.text or p.kind != "text"][1:] == []:
            alone = next((p for p in word.pieces if p.kind in ("variable", "array")), None)
        if alone is not None and alone.kind in ("variable", "array"):
            return self._alone(alone, word.span, split=split)
        quoted = any(piece.quoted for piece in word.pieces)
        pieces: list[tuple[str, ...]] = []
        for piece in word.pieces:
            values = self._piece(piece)
            if not values:
                return [Text((), word.span, quoted, _shown(piece))]
            pieces.append(values)
        if sum(max(map(len, values)) for values in pieces) > VARIABLE_SIZE:
            return [Text((), word.span, quoted, "a word of this length")]
        together = islice(product(*pieces), CANDIDATES)
        return [Text(tuple(map("".join, together)), word.span, quoted)]

    def _alone(self, piece: Piece, span: Span, *, split: bool) -> list[Text]:
        held = self._values.get(piece.text)
        if piece.text not in self._values and piece.default is not None:
            use = f"${{{piece.text}:-{piece.default}}}"
            return [Text((piece.default,), span, piece.quoted, default_of=use)]
        if not held:
            return [Text((), span, piece.quoted, _shown(piece))]
        if piece.kind == "array":
            return [Text(t.candidates, span, t.quoted, t.unknown, t.default_of) for t in held]
        first = held[0]
        if split and not piece.quoted and len(first.candidates) == 1:
            words = first.candidates[0].split()
            return [Text((part,), span, default_of=first.default_of) for part in words]
        return [Text(first.candidates, span, piece.quoted, first.unknown, first.default_of)]

    def _piece(self, piece: Piece) -> tuple[str, ...]:
        if piece.kind == "text":
            return (piece.text,)
        if piece.kind == "opaque":
            return ()
        held = self._values.get(piece.text)
        if held and len(held) == 1:
            return held[0].candidates
        if piece.text not in self._values and piece.default is not None:
            return (piece.default,)
        return ()


def _shown(piece: Piece) -> str:
    return f"${piece.text}" if piece.kind in ("variable", "array") else piece.text


def _is_array(word: Word, following: list[Word]) -> bool:
    return bool(word.start.endswith("=") and len(word.pieces) == 1 and any(map(_closes, following)))


def _closes(word: Word) -> bool:
    return word.pieces == (Piece("opaque", ")"),)
