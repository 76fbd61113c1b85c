"""What a script's variables hold, as far as its text tells.

An assignment at the top level counts until the next one. A name that is assigned inside a
condition, a loop or a function is not known, unless it is the loop's own variable over words that
are. ``${NAME:-8}`` is 8, and the environment can change it.
"""

from __future__ import annotations

from lora_lint.read.choices import Arm, Arms, merged, place, united
from lora_lint.read.shell.scan import Piece, Word
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.budgets import CANDIDATES, VARIABLE_SIZE
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

    def each(self) -> list[tuple[str, Arms]]:
        """Every candidate with its choices."""
        return list(zip(self.candidates, self.choices or ((),) * len(self.candidates), strict=True))


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
        candidates: list[tuple[str, Arms]] = [("", ())]
        for piece in word.pieces:
            values = self._piece(piece)
            if not values:
                return [Text((), word.span, quoted, _shown(piece))]
            candidates = [
                (left + right, both)
                for left, chosen in candidates
                for right, choices in values
                if (both := united(chosen, choices)) is not None
            ][:CANDIDATES]
            if any(len(text) > VARIABLE_SIZE for text, _ in candidates):
                return [Text((), word.span, quoted, "a word of this length")]
        return [_distinct(candidates, word.span)._replace(quoted=quoted)]

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
        if split and not piece.quoted and len(first.candidates) == 1:
            words = first.candidates[0].split()
            return [Text((part,), span, default_of=first.default_of) for part in words]
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
            values[name] = None
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


def _shown(piece: Piece) -> str:
    return f"${piece.text}" if piece.kind in ("variable", "array") else piece.text


def _is_array(word: Word, following: list[Word]) -> bool:
    return bool(word.start.endswith("=") and len(word.pieces) == 1 and any(map(_closes, following)))


def _closes(word: Word) -> bool:
    return word.pieces == (Piece("opaque", ")"),)
