"""A recipe in the making: what is written, then what follows from it, then the silent defaults."""

from __future__ import annotations

from collections.abc import Iterable

from lora_lint.read.choices import written
from lora_lint.read.tree import Entry, Mapping, Node, Opaque, Scalar, Sequence
from lora_lint.translate.spelling import CHANGES_KIND, SPELLINGS
from lora_lint.translate.table import REQUIRED, Dialect, Field, Times
from lora_lint.translate.values import Values, normal, unknown, values_of
from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.recipe import IgnoredKey, Origin, Setting, Span
from lora_rules.settings import names_where

if TYPE_CHECKING:
    from lora_rules.engine.draft import KeyFound

ADAPTER = names_where(lambda setting: setting.needs_adapter)
"""The settings that say nothing unless there is an adapter."""


class Found(NamedTuple):
    """What stands in the file for a setting."""

    key: str
    """The framework's own dotted key, as far as a list is concerned with the item's number."""
    node: Node
    key_span: Span
    span: Span


class Draft:
    """A recipe in the making."""

    def __init__(
        self, dialect: Dialect, document: Mapping, root: Mapping, prefix: str = ""
    ) -> None:
        """Begin with nothing noted.

        Args:
            dialect: the dialect.
            document: the whole file; references lead there.
            root: where the keys of the table begin.
            prefix: the way from the file to the root, with a final dot.
        """
        self.dialect = dialect
        self.document = document
        self.root = root
        self.prefix = prefix
        self.settings: dict[str, Setting] = {}
        self.swept: dict[Span, Values] = {}
        """The lists of which each item is a value of its own, by place."""
        self.ignored: list[IgnoredKey] = []
        """The keys that have no effect beside the others."""

    def find(self, keys: Iterable[str]) -> Found | None:
        """The first of the keys that is there and not null."""
        for path in keys:
            found = self._gather(path) if "[]" in path else self._at(path)
            if found is not None:
                return found
        return None

    def is_there(self, key: str) -> bool:
        """Whether a key stands in the file, also with nothing behind it."""
        return self.root.at(key) is not None

    def _at(self, path: str) -> Found | None:
        entry = self.root.at(path)
        if entry is None or is_null(entry.node):
            return None
        return Found(self.prefix + path, entry.node, entry.key_span, entry.node.span)

    def _null(self, spec: Field) -> Found | None:
        """The key with nothing behind it, where that says something."""
        for path in spec.keys:
            entry = self.root.at(path)
            if entry is not None:
                return Found(self.prefix + path, entry.node, entry.key_span, entry.node.span)
        return None

    def _gather(self, path: str) -> Found | None:
        """The same key of every item of a list; what is no list is taken as the only item."""
        before, _, after = path.partition("[].")
        entry = self.root.at(before)
        if entry is None or isinstance(entry.node, Scalar):
            return None
        if isinstance(entry.node, Opaque):
            return Found(self.prefix + before, entry.node, entry.key_span, entry.node.span)
        items = entry.node.items if isinstance(entry.node, Sequence) else (entry.node,)
        inner = [item.at(after) if isinstance(item, Mapping) else None for item in items]
        there = [found for found in inner if found is not None and not is_null(found.node)]
        if not there:
            return None
        nothing = [found.node if found else Scalar(None, entry.key_span) for found in inner]
        only = there[0] if len(there) == 1 else None
        key = f"{before}.{after}" if isinstance(entry.node, Mapping) else path
        if only is not None:
            node = Sequence(tuple(nothing), only.node.span)
            return Found(self.prefix + key, node, only.key_span, only.node.span)
        span = _stretch(there)
        return Found(self.prefix + key, Sequence(tuple(nothing), span), entry.key_span, span)

    def values(self, found: Found, name: str) -> Values:
        """What a found node may be as the value of a setting."""
        return values_of(found.node, name, self.document, self.dialect.table.placeholder)

    def plain(self, *keys: str) -> object:
        """The one value of the first key that is there; ``None`` if there is none, or not one."""
        found = self.find(keys)
        if found is None:
            return None
        candidates = self.values(found, "").candidates
        return candidates[0] if len(candidates) == 1 else None

    def write(self, name: str, found: Found, values: Values, derived: str = "") -> None:
        """Note a setting that the file gives; ``derived`` says from what, if not word for word."""
        self._note(name, found, values, derived)
        if not derived and (trap := self._string_trap(found, values)):
            self.settings[name] = self.settings[name]._replace(source=trap)

    def _note(self, name: str, found: KeyFound, values: Values, derived: str) -> None:
        origin = Origin.DERIVED if derived else Origin.WRITTEN
        self.settings[name] = Setting(
            name=name,
            candidates=values.candidates,
            origin=origin,
            key=found.key,
            span=found.span,
            key_span=found.key_span,
            source=derived,
            reason=values.reason,
            choices=written(values.choices),
        )

    def _string_trap(self, found: Found, values: Values) -> str:
        """A word about ``2e-4`` where the framework does not take a string for a number."""
        if self.dialect.table.text_as_numbers != "none" or not isinstance(found.node, Scalar):
            return ""
        if not found.node.yaml_string or not isinstance(next(iter(values.candidates), None), float):
            return ""
        return f"{found.node.raw} is a string to YAML 1.1, not a number"

    def take_from(self, name: str, key: str) -> None:
        """Note a setting that a key gives word for word, if it is there."""
        found = self.find([key])
        if found is not None:
            self.write(name, found, self.values(found, name))

    def rewrite(self, name: str, value: object, found: KeyFound) -> None:
        """Note a setting that a key gives in another spelling."""
        self._note(name, found, Values((value,)), "")

    def conclude(self, name: str, value: object, found: KeyFound, source: str) -> None:
        """Note a setting that follows from what is written."""
        self._note(name, found, Values((value,)), source)

    def leave_open(self, name: str, found: KeyFound, reason: str, source: str = "") -> None:
        """Note a setting that is there and not known."""
        self._note(name, found, unknown(reason), source)

    def ignores(
        self,
        found: KeyFound,
        reason: str,
        instead: str,
        *,
        quantizes: bool = False,
        of_stored: bool = False,
    ) -> None:
        """Note that a key which is there has no effect beside the others."""
        self.ignored.append(
            IgnoredKey(found.key, found.key_span, reason, instead, quantizes, of_stored)
        )

    def without(self, *names: str) -> None:
        """Forget settings that nobody reads."""
        for name in names:
            self.settings.pop(name, None)

    def default(self, name: str, value: object, *, key: str = "", by: str = "") -> None:
        """Note a silent default, unless the setting is there."""
        if name not in self.settings:
            source = by or self.dialect.framework
            self.settings[name] = Setting(
                name, (value,), Origin.DEFAULT, key or name, source=source
            )

    def take(self, spec: Field) -> None:
        """Note what is written for a field of the table."""
        found = self.find(spec.keys) or (self._null(spec) if spec.if_null else None)
        if found is None:
            return
        values = self.values(found, spec.name)
        if spec.equals is not None:
            same = values.of((value == spec.equals, arms) for value, arms in values.each())
            self.write(spec.name, found, same.distinct(), _quote(found))
            return
        if values.choices:
            self.swept[found.span] = values
        spelled = [(self._spell(spec, value), arms) for value, arms in values.each()]
        kept = values.of(
            (value, arms) for value, arms in spelled if value is not None or spec.if_null
        )
        if values.candidates and not kept.candidates:
            return
        changed = spec.spelling in CHANGES_KIND and kept.candidates != values.candidates
        self.write(spec.name, found, kept, _quote(found) if changed else "")

    def _spell(self, spec: Field, value: object) -> object:
        if spec.name == "target_modules" and self._is_all_linear(value):
            return "all-linear"
        if spec.spelling:
            value = SPELLINGS[spec.spelling](value)
        if spec.name == "target_modules" and self._is_all_linear(value):
            return "all-linear"
        numbers = self.dialect.table.text_as_numbers
        return normal(spec.name, value, read_text=numbers == "all", strict=numbers == "bare")

    def _is_all_linear(self, value: object) -> bool:
        spellings = self.dialect.table.all_linear
        if isinstance(value, list):
            return len(value) == 1 and f"[{value[0]}]" in spellings
        return value in spellings

    def fill(self, spec: Field) -> None:
        """Note a field's silent default, where nothing is known of it yet."""
        if spec.name in self.settings or spec.default in (None, REQUIRED):
            return
        if spec.when and not self.is_true(spec.when):
            return
        key = self.prefix + spec.keys[0].replace("[]", "") if spec.keys else spec.name
        if isinstance(spec.default, Times):
            self._multiply(spec, spec.default, key)
        else:
            self.default(spec.name, spec.default, key=key, by=spec.default_by)

    def _multiply(self, spec: Field, times: Times, key: str) -> None:
        base = self.settings.get(times.of)
        if base is None:
            return
        numbers = [at for at, v in enumerate(base.candidates) if isinstance(v, int | float)]
        products = tuple(times.factor * v for v in base.candidates if isinstance(v, int | float))
        source = f"{times.factor:g} x {base.key}, {self.dialect.framework}'s default"
        self.settings[spec.name] = Setting(
            spec.name,
            products,
            Origin.DERIVED,
            key,
            source=source,
            reason="" if products else f"{base.key} is unknown",
            choices=tuple(base.choices[at] for at in numbers) if base.choices else (),
        )

    def is_true(self, name: str) -> bool:
        """Whether a setting is certainly true."""
        setting = self.settings.get(name)
        return setting is not None and setting.candidates == (True,)

    def has_adapter_settings(self) -> bool:
        """Whether somebody wrote a setting that only an adapter has a use for."""
        return any(name in ADAPTER and setting.written for name, setting in self.settings.items())


def _quote(found: Found) -> str:
    written = found.node
    if isinstance(written, Scalar) and written.raw:
        return f"{found.key}: {written.raw}"
    return found.key


def is_null(node: Node) -> bool:
    """Whether a key stands there with nothing behind it."""
    return isinstance(node, Scalar) and node.value is None


def _stretch(entries: list[Entry]) -> Span:
    first, last = entries[0].node.span, entries[-1].node.span
    return Span(first.line, first.column, last.end_line, last.end_column, first.cell)
