"""What a script's variables hold, as far as its text tells.

An assignment at the top level counts until the next one. A name that is assigned inside a
condition, a loop or a function is not known, unless it is the loop's own variable over words that
are. ``${NAME:-8}`` is 8, and the environment can change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from lora_lint.read.choices import Arm, Arms, merged, place, united
from lora_lint.read.shell.scan import Piece, Word
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import ARRAY_WORDS, CANDIDATES, VARIABLE_SIZE
from lora_rules.recipe import Span

_ASSIGNMENT = lazily(r"([A-Za-z_]\w*)(\+?)=")
_OPENERS = frozenset({"for", "while", "until", "case", "select", "{"})
_CLOSERS = frozenset({"done", "esac", "}"})
_NEUTRAL = frozenset({"then", "do", "in", "!", "time"})
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
    choices: tuple[Arms, ...] = ()
    """What is chosen for each candidate: a pass of a loop, an arm of an ``if``."""
    template: str = ""
    """Of a text that is known in part: the text, with :data:`HOLE` for what is not known."""

    @property
    def literal(self) -> str:
        """The one text that it can be; empty where it is not known, or one of several."""
        return self.candidates[0] if len(self.candidates) == 1 else ""

    def each(self) -> list[tuple[str, Arms]]:
        """Every candidate with its choices."""
        return list(zip(self.candidates, self.choices or ((),) * len(self.candidates), strict=True))


HOLE = "\0"
"""Stands in a template for what is not known; no word of a shell can hold it."""
Values = dict[str, tuple[Text, ...] | None]


class If:
    """An ``if`` that is being read."""

    __slots__ = ("arms", "before", "complete", "point")

    def __init__(self, point: str, before: Values) -> None:
        self.point = point
        self.before = before
        """What the variables held before it."""
        self.arms: list[Values] = []
        """What they hold at the end of each of its arms so far."""
        self.complete = False
        """It has an ``else``."""


class Variables:
    """The variables in force while a script is read from top to bottom."""

    def __init__(self) -> None:
        """Begin with none."""
        self._values: Values = {}
        self._depth = 0
        """How many loops, functions and the like the command is in."""
        self._ifs: list[If | None] = []
        """The conditions that the command is in; ``None`` for one inside a loop or a function."""
        self._loops: list[str] = []
        self._exported: set[str] = set()
        self._before: dict[str, Text] = {}

    def environment(self, name: str) -> Text | None:
        """What the command that was taken last finds under a name in its environment, if we know.

        It is what stands before the command itself, or what was exported.
        """
        if name in self._before:
            return self._before[name]
        held = self._values.get(name) if name in self._exported else None
        return held[0] if held and len(held) == 1 else None

    def take(self, command: list[Word]) -> list[Text]:
        """Account for one command.

        Returns:
            Its words with variables put in; empty if it only assigns or only steers.
        """
        words = self._steer(list(command))
        self._before = {}
        declares = bool(words) and words[0].literal in _DECLARERS
        if declares:
            exports = words[0].literal == "export"
            words = [word for word in words[1:] if not word.start.startswith("-")]
            if exports:
                self._exported.update(word.start.partition("=")[0] for word in words)
        rest = self._assign(words, declares=declares)
        return [] if declares else [text for word in rest for text in self.expand(word)]

    def _steer(self, words: list[Word]) -> list[Word]:
        while words:
            first = words[0].literal
            if first == "for" and len(words) > 3 and words[2].literal == "in":
                self._loop(words)
                return []
            if first in ("if", "elif", "else", "fi"):
                self._branch(first, words[0].span)
            elif first in _OPENERS:
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

    def _branch(self, word: str, span: Span) -> None:
        """Into an arm of an ``if``, or out of the last."""
        if word == "if":
            open_here = not self._depth
            self._ifs.append(If(place(span), dict(self._values)) if open_here else None)
            self._depth += not open_here
            return
        here = self._ifs[-1] if self._ifs else None
        if word == "fi" and self._ifs:
            self._ifs.pop()
        if here is None:
            self._depth = max(0, self._depth - (word == "fi"))
            return
        here.arms.append(self._values)
        here.complete = here.complete or word == "else"
        self._values = dict(here.before)
        if word == "fi":
            arms = here.arms if here.complete else [*here.arms, here.before]
            self._values = _after(here, arms)

    def _loop(self, words: list[Word]) -> None:
        name = words[1].literal or ""
        items = [text for word in words[3:] for text in self.expand(word)]
        point = place(words[0].span)
        passes = [
            (text, both)
            for number, item in enumerate(items)
            for text, choices in item.each()
            if (both := united((Arm(point, number, len(items)),), choices)) is not None
        ]
        if not all(item.candidates for item in items):
            passes = []
        self._values[name] = (_distinct(passes, words[1].span, f"${name} is a loop's"),)
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
            self._before = dict(map(self._assigned, leading))
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

    def _assigned(self, word: Word) -> tuple[str, Text]:
        """``NAME=value`` before a command."""
        name, _, start = word.start.partition("=")
        value = Word((Piece("text", start), *word.pieces[1:]), word.span)
        return name, self.expand(value, split=False)[0]

    def _appended(self, name: str, texts: tuple[Text, ...], *, array: bool) -> tuple[Text, ...]:
        before = self._values.get(name)
        if before is None:
            return (Text((), texts[0].span, unknown=f"${name}"),) if texts else ()
        if array and len(before) + len(texts) <= ARRAY_WORDS:
            return (*before, *texts)
        both = [_in_one(text) for text in (*before, *texts)]
        joined = "".join(text for text in both if text is not None)
        if array or None in both or len(joined) > VARIABLE_SIZE:
            return (Text((), texts[0].span, unknown=f"${name}"),)
        return (_known_in_part(joined, texts[0].span, unknown=f"${name}"),)

    def expand(self, word: Word, *, split: bool = True) -> list[Text]:
        """A word with its variables put in; an unquoted one may become several words."""
        alone = word.pieces[0] if len(word.pieces) == 1 else None
        if alone is None and [p for p in word.pieces if p.text or p.kind != "text"][1:] == []:
            alone = next((p for p in word.pieces if p.kind in ("variable", "array")), None)
        if alone is not None and alone.kind in ("variable", "array"):
            return self._alone(alone, word.span, split=split)
        quoted = any(piece.quoted for piece in word.pieces)
        candidates: list[tuple[str, Arms]] = [("", ())]
        unknown = ""
        for piece in word.pieces:
            values = self._piece(piece)
            if not values:
                unknown = unknown or _shown(piece)
                values = [(self._template(piece), ())]
            candidates = [
                (left + right, both)
                for left, chosen in candidates
                for right, choices in values
                if (both := united(chosen, choices)) is not None
            ][:CANDIDATES]
            if any(len(text) > VARIABLE_SIZE for text, _ in candidates):
                return [Text((), word.span, quoted, "a word of this length")]
        if unknown:
            template = candidates[0][0] if len(candidates) == 1 else ""
            return [Text((), word.span, quoted, unknown, template=template)]
        return [_distinct(candidates, word.span)._replace(quoted=quoted)]

    def _template(self, piece: Piece) -> str:
        """What is known of a piece that is not known."""
        held = self._values.get(piece.text) if piece.kind == "variable" else None
        return (held[0].template if held and len(held) == 1 else "") or HOLE

    def _alone(self, piece: Piece, span: Span, *, split: bool) -> list[Text]:
        held = self._values.get(piece.text)
        if piece.text not in self._values and piece.default is not None:
            use = f"${{{piece.text}:-{piece.default}}}"
            return [Text((piece.default,), span, piece.quoted, default_of=use)]
        if not held:
            return [Text((), span, piece.quoted, _shown(piece))]
        if piece.kind == "array":
            return [text._replace(span=span) for text in held]
        first = held[0]
        if split and not piece.quoted:
            return _split(first, span, _shown(piece))
        return [first._replace(span=span, quoted=piece.quoted)]

    def _piece(self, piece: Piece) -> list[tuple[str, Arms]]:
        if piece.kind == "text":
            return [(piece.text, ())]
        if piece.kind == "opaque":
            return []
        held = self._values.get(piece.text)
        if held and len(held) == 1:
            return held[0].each()
        if piece.text not in self._values and piece.default is not None:
            return [(piece.default, ())]
        return []


def _after(read: If, arms: list[Values]) -> Values:
    """What the variables hold after an ``if``: one value an arm, or unknown where one is."""
    values = dict(read.before)
    for name in {name for arm in arms for name in arm}:
        held = [arm.get(name) for arm in arms]
        if all(texts is not None and texts == held[0] for texts in held):
            values[name] = held[0]
            continue
        ways = [
            (text, both)
            for number, texts in enumerate(held)
            for text, choices in (texts[0].each() if texts and len(texts) == 1 else ())
            if (both := united((Arm(read.point, number, len(arms)),), choices)) is not None
        ]
        plain = all(texts and len(texts) == 1 and texts[0].candidates for texts in held)
        last = next((texts[0] for texts in reversed(held) if texts), None)
        if not plain or last is None:
            rows = [texts for texts in held if texts is not None]
            listed = len(rows) == len(held) and any(len(texts) > 1 for texts in rows)
            known = _alike(rows, last.span, f"${name}") if last is not None and listed else None
            values[name] = tuple(known) if known is not None else None
            continue
        default_of = next((t.default_of for texts in held for t in texts or () if t.default_of), "")
        values[name] = (_distinct(ways, last.span)._replace(default_of=default_of),)
    return values


def _distinct(candidates: list[tuple[str, Arms]], span: Span, unknown: str = "") -> Text:
    """The candidates, each once or once for each of the choices that it comes with."""
    groups: dict[str, list[Arms]] = {}
    for text, choices in candidates:
        groups.setdefault(text, []).append(choices)
    if len(groups) <= 1:
        return Text(tuple(groups), span, unknown=unknown)
    every = [(text, arms) for text, choices in groups.items() for arms in merged(choices)]
    return Text(
        tuple(text for text, _ in every),
        span,
        unknown=unknown,
        choices=tuple(arms for _, arms in every) if any(arms for _, arms in every) else (),
    )


def _in_one(text: Text) -> str | None:
    """A text with at most one candidate, with holes for what is not known of it."""
    if len(text.candidates) > 1:
        return None
    return text.candidates[0] if text.candidates else text.template or HOLE


def _known_in_part(text: str, span: Span, unknown: str, default_of: str = "") -> Text:
    if HOLE in text:
        return Text((), span, unknown=unknown, template=text)
    return Text((text,), span, default_of=default_of)


def _split(held: Text, span: Span, name: str) -> list[Text]:
    """The words that the use of a variable without quotes becomes.

    Of several candidates with more than a word, the words that they begin with alike; the rest is
    not known.
    """
    one = _in_one(held)
    if one is not None:
        return [
            _known_in_part(word, span, held.unknown or name, held.default_of)
            for word in one.split()
        ]
    rows = [[Text((word,), span) for word in text.split()] for text in held.candidates]
    if all(len(row) == 1 for row in rows):
        return [held._replace(span=span, quoted=False)]
    return _alike(rows, span, name)


def _alike(rows: Sequence[Sequence[Text]], span: Span, name: str) -> list[Text]:
    """The words that all rows begin with, then the options that some have, with unknown values."""
    first = [column[0] for column in takewhile(_is_same, zip(*rows, strict=False))]
    rest = [text for row in rows for word in row[len(first) :] for text in word.candidates]
    options = dict.fromkeys(text.partition("=")[0] for text in rest if text.startswith("--"))
    unknown = Text((), span, unknown=name)
    if not options and any(len(row) > len(first) for row in rows):
        return [*first, unknown]
    return [*first, *(text for option in options for text in (Text((option,), span), unknown))]


def _is_same(column: Sequence[Text]) -> bool:
    return len({(text.candidates, text.template) for text in column}) == 1


def _shown(piece: Piece) -> str:
    return f"${piece.text}" if piece.kind in ("variable", "array") else piece.text


def _is_array(word: Word, following: list[Word]) -> bool:
    return bool(word.start.endswith("=") and len(word.pieces) == 1 and any(map(_closes, following)))


def _closes(word: Word) -> bool:
    return word.pieces == (Piece("opaque", ")"),)
