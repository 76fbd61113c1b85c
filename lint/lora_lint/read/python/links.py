"""Which calls belong to which adapter.

By the flow of objects first (``SFTTrainer(model=model, peft_config=config)``), else by being the
only one of their kind in the same function, else in the file. Several that are equally near decide
nothing: the settings of all of them are then unknown.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.objects import NOTHING
from lora_lint.read.python.origins import Expression, Made, Origins, Seen
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Scope, Site
from lora_lint.read.python.settings import Told
from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.budgets import ALTERNATIVES, CHAIN
from lora_rules.recipe import Setting

_SESSIONS = ("wrap", "adapter", "trainer")
"""Kinds of calls that bring a model and an adapter together."""
_WRAPPERS = ("wrap", "prepare")
"""Kinds of calls that give back the model that they are given."""
_UNKNOWN_QUANTIZATION = "the model's quantization_config is unknown"


class Session(NamedTuple):
    """Calls that belong together, because objects of one are given to another."""

    links: list[Made]
    """What the model went through, last first."""
    trainer: Found | None = None
    other: bool = False
    """What the adapter is put on is certainly no model that the file is seen to load."""

    def members(self) -> list[Found]:
        """All of them."""
        members = [link.found for link in self.links]
        return members if self.trainer is None else [*members, self.trainer]


class Linked:
    """What belongs to one adapter: of each kind one call, or several, and then none of them."""

    __slots__ = (
        "by_kind",
        "links",
        "maybe_unquantized",
        "model_string",
        "other",
        "undecided",
        "unquantized",
    )

    by_kind: dict[str, list[Found]]
    links: list[Made]
    """What the model went through that the adapter is seen to be put on."""
    other: bool
    """The adapter is put on something else than a model that the file is seen to load."""
    unquantized: bool
    """The model is certainly loaded without a quantization configuration."""
    maybe_unquantized: bool
    """The quantization configuration may also be None."""
    undecided: str
    """Why the quantization cannot be told."""
    model_string: tuple[ast.expr, Site] | None
    """The model, when a trainer is given its name instead of an object."""

    def __init__(
        self,
        unquantized: bool = False,
        maybe_unquantized: bool = False,
        undecided: str = "",
        model_string: tuple[ast.expr, Site] | None = None,
    ) -> None:
        self.by_kind = {}
        self.links = []
        self.other = False
        self.unquantized = unquantized
        self.maybe_unquantized = maybe_unquantized
        self.undecided = undecided
        self.model_string = model_string

    def entered(self) -> dict[Scope, ast.Call]:
        """The functions in which the model is loaded that all calls of one place lead into."""
        calls: dict[Scope, ast.Call | None] = {}
        for link in self.links:
            for scope, call in link.entered if link.found.known.kind == "model" else ():
                calls[scope] = call if calls.get(scope, call) is call else None
        return {scope: call for scope, call in calls.items() if call is not None}

    def one(self, kind: str) -> Found | None:
        """The call of a kind, if there is exactly one."""
        calls = self.by_kind.get(kind, [])
        return calls[0] if len(calls) == 1 else None

    def several(self, kind: str) -> list[Found]:
        """The calls of a kind, if there is more than one."""
        calls = self.by_kind.get(kind, [])
        return calls if len(calls) > 1 else []


class Quantization(NamedTuple):
    """How the models that may belong to an adapter are quantized."""

    calls: list[Found]
    maybe_none: bool
    """The configuration may also be None."""
    without: bool
    """Some model is loaded without a configuration."""
    undecided: str


class Links:
    """The flow of objects between the known calls of a file."""

    def __init__(self, resolver: Resolver, calls: list[Found], origins: Origins) -> None:
        self.resolver = resolver
        self.calls = calls
        self.origins = origins
        self.notes: list[str] = []
        self._sessions: dict[Found, list[Session]] = defaultdict(list)
        self._owned: set[Found] = set()
        """Calls in the session of some adapter."""
        for adapters, session in self._find_sessions():
            for adapter in adapters:
                self._sessions[adapter].append(session)
                self._owned.update(session.members())
                self._owned.update(self._quantizing(session))
        self._nearby: dict[tuple[str, Scope | None], list[Found]] = defaultdict(list)
        """The calls of a kind in a function, and with ``None`` in the whole file."""
        self._free: dict[tuple[str, Scope | None], list[Found]] = defaultdict(list)
        """Those that are in the session of no adapter."""
        for found in calls:
            kind = found.known.kind
            if kind not in {"wrap", "trainer"} or found not in self._owned:
                self._nearby[kind, found.scope].append(found)
                if not found.site.text.path:
                    self._nearby[kind, None].append(found)
            if found not in self._owned:
                self._free[kind, found.scope].append(found)
                if not found.site.text.path:
                    self._free[kind, None].append(found)
        self._answers: dict[tuple[str, int], tuple[list[Found], Any]] = {}
        """What was worked out for a list of calls that many adapters share, and the list."""

    def of(self, adapter: Found) -> Linked:
        """Everything that belongs to an adapter."""
        linked = Linked()
        for session in self._sessions.get(adapter, ()):
            for found in session.members():
                _add(linked, found)
            linked.links += session.links
        sessions = self._sessions.get(adapter, ())
        linked.other = not linked.by_kind.get("model") and any(each.other for each in sessions)
        for kind in ("wrap", "trainer"):
            self._nearest(linked, kind, adapter)
        for kind in () if linked.other else ("prepare", "model"):
            self._nearest(linked, kind, adapter, only_free=bool(sessions))
        self._link_training(linked, adapter)
        self._link_quantization(linked, adapter)
        self._link_model_string(linked)
        return linked

    # What uses what

    def _find_sessions(self) -> Iterator[tuple[set[Found], Session]]:
        for found in self.calls:
            kind = found.known.kind
            for made in self.origins.calls(found) if kind in _SESSIONS else ():
                model = self.origins.given(made, "model")
                links, other = self.chain(model), self._is_other(model)
                adapters = self._adapters(made)
                if kind == "adapter":
                    if model:  # Unsloth's get_peft_model
                        yield {found}, Session(links, None, other)
                elif kind == "wrap":
                    other = other or (not links and _comes_of_parameter(found.expression("model")))
                    yield adapters, Session([made, *links], None, other)
                else:
                    for link in links:
                        adapters |= self._adapters(link)
                        if link.found.known.kind == "adapter":
                            adapters.add(link.found)
                    yield adapters, Session(links, found, other)
        for expression, given in adding(self.resolver):
            sources = (end for each in given for end in self.origins.of(self.origins.seen(each)))
            model = self.origins.seen(expression)
            yield _only_adapters(sources), Session(self.chain(model), None, self._is_other(model))

    def _quantizing(self, session: Session) -> Iterator[Found]:
        """The calls that say how the model of a session is quantized."""
        for link in session.links:
            given = self.origins.given(link, "quantization_config")
            yield from (found for found in self.origins.of(given) if found is not None)

    def _is_other(self, model: list[Seen], depth: int = 0) -> bool:
        """Whether it is certainly no model that the file is seen to load, also inside a wrapper."""
        return bool(model) and all(
            self.origins.is_other(each) or self._wraps_other(each, depth) for each in model
        )

    def _wraps_other(self, seen: Seen, depth: int) -> bool:
        sources = list(self.origins.sources(seen)) if depth < CHAIN else []
        return bool(sources) and all(
            source is not None
            and source.found.known.kind in _WRAPPERS
            and self._is_other(self.origins.given(source, "model"), depth + 1)
            for source in sources
        )

    def _adapters(self, made: Made) -> set[Found]:
        return _only_adapters(self.origins.of(self.origins.given(made, "peft_config")))

    def chain(self, model: Iterable[Seen], depth: int = 0) -> list[Made]:
        """The calls that a model went through, last first."""
        found: dict[int, Made] = {}
        if depth > CHAIN:
            return []
        for each in model:
            for source in self.origins.sources(each):
                if source is None or id(source.call) in found:
                    continue
                found[id(source.call)] = source
                if source.found.known.kind != "model":
                    for link in self.chain(self.origins.given(source, "model"), depth + 1):
                        found.setdefault(id(link.call), link)
        return list(found.values())

    # What belongs together

    def _nearest(self, linked: Linked, kind: str, adapter: Found, only_free: bool = False) -> None:
        """Without a flow: the only one in the function, else in the file.

        Args:
            linked: gets what is nearest.
            kind: of call.
            adapter: the adapter.
            only_free: whether those are left out that another adapter is seen to have.
        """
        if linked.by_kind.get(kind):
            return
        nearby = self._free if only_free else self._nearby
        found = nearby[kind, adapter.scope] or nearby[kind, None]
        taken = kind == "model" and len(found) == 1 and self._is_taken(found[0], adapter)
        linked.by_kind[kind] = [] if taken else found
        linked.other = linked.other or taken

    def _is_taken(self, model: Found, adapter: Found) -> bool:
        """Whether a model of another function is seen to get another adapter."""
        return model in self._owned and model.scope is not adapter.scope

    def nearest(self, kind: str, adapter: Found) -> list[Found]:
        """The calls of a kind in the adapter's function, else in the file; of another's, none."""
        return self._nearby.get((kind, adapter.scope)) or self._nearby.get((kind, None), [])

    def undecided(self, told: Told, several: list[Found], kind: str) -> dict[str, Setting]:
        """What several equally near calls give: there, but unknown."""
        reason = f"there are {len(several)} calls that may give it ({kind})"
        known: dict[str, Setting] = self._once(
            "undecided",
            several,
            lambda: {
                name: value._replace(
                    candidates=(), declared=None, reason=reason, choices=(), elements=()
                )
                for found in several
                for name, value in told.written(found).items()
            },
        )
        return known

    def _once(self, question: str, calls: list[Found], answer: Callable[[], Any]) -> Any:  # noqa: ANN401
        """The answer to a question about a list of calls, worked out at its first time."""
        key = (question, id(calls))
        if key not in self._answers:
            self._answers[key] = (calls, answer())
        return self._answers[key][1]

    def shown(self, linked: Linked, kind: str) -> list[Found]:
        """The calls of a kind whose keys are shown with an adapter.

        All of them with the first adapter to which they are equally near, so that each is looked at
        once.
        """
        calls = linked.by_kind[kind]
        if len(calls) <= ALTERNATIVES or ("shown", id(calls)) not in self._answers:
            return self._once("shown", calls, lambda: calls)  # type: ignore[no-any-return]
        note = (
            f"{len(calls)} calls may belong to each of several adapters ({kind}): only the first "
            f"{ALTERNATIVES} are looked at together with each"
        )
        if note not in self.notes:
            self.notes.append(note)
        return calls[:ALTERNATIVES]

    def _link_training(self, linked: Linked, adapter: Found) -> None:
        trainers = linked.by_kind.get("trainer", [])
        given: list[Found] = self._once("args", trainers, lambda: self._arguments_of(trainers))
        if given:
            linked.by_kind["training"] = given
        self._nearest(linked, "training", adapter)

    def _arguments_of(self, trainers: list[Found]) -> list[Found]:
        found = (
            each
            for trainer in trainers
            for made in self.origins.calls(trainer)
            for each in self.origins.of(self.origins.given(made, "args"))
        )
        return [
            each
            for each in dict.fromkeys(found)
            if each is not None and each.known.kind == "training"
        ]

    def _link_quantization(self, linked: Linked, adapter: Found) -> None:
        models = linked.by_kind.get("model", [])
        if not models:
            if not linked.other:
                self._nearest(linked, "quantization", adapter, bool(self._sessions.get(adapter)))
            return
        loaded = [link for link in linked.links if link.found.known.kind == "model"]
        found: Quantization = (
            self._quantization_of(loaded)
            if loaded
            else self._once("quantized", models, lambda: self._quantization_of_all(models))
        )
        if found.calls:
            linked.by_kind["quantization"] = found.calls
        linked.undecided = found.undecided
        linked.unquantized = not found.calls and not found.undecided
        linked.maybe_unquantized = found.maybe_none and bool(found.calls)
        if found.calls and found.without:
            linked.undecided = "the model is loaded with a quantization_config and without one"

    def _quantization_of_all(self, models: list[Found]) -> Quantization:
        """The same, wherever these are loaded."""
        every = [made for model in models for made in self.origins.calls(model)]
        found = self._quantization_of(every)
        for model in models:
            if self.origins.calls(model):
                continue
            if model.expression("quantization_config") is None:
                found = found._replace(without=True, undecided=found.undecided or model.hidden)
            else:
                found = found._replace(undecided=_UNKNOWN_QUANTIZATION)
        return found

    def _quantization_of(self, models: list[Made]) -> Quantization:
        """How models are quantized that were loaded by these calls."""
        calls: dict[Found, None] = {}
        maybe_none, without, undecided = False, False, ""
        for model in models:
            if model.found.expression("quantization_config") is None:
                without = True
                undecided = model.found.hidden or undecided
                continue
            given = self.origins.given(model, "quantization_config")
            if not given:
                undecided = _UNKNOWN_QUANTIZATION
            for seen in given:
                if seen.held is NOTHING:
                    maybe_none = True
                    continue
                maybe_none = maybe_none or seen.optional
                for source in self.origins.makers(seen):
                    if source is not None and source.known.kind == "quantization":
                        calls[source] = None
                    else:
                        undecided = _UNKNOWN_QUANTIZATION
        return Quantization(list(calls), maybe_none, without, undecided)

    def _link_model_string(self, linked: Linked) -> None:
        for trainer in linked.by_kind.get("trainer", ())[:1]:
            if not linked.by_kind.get("model"):
                linked.model_string = trainer.expression("model")


def adding(resolver: Resolver) -> Iterator[tuple[Expression, list[Expression]]]:
    """Of each call of a method ``add_adapter``: the object, and what the method is given."""
    for call, site in resolver.index.calls.get("add_adapter", ()):
        if isinstance(call.func, ast.Attribute):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            yield (call.func.value, site), [(node, site) for node in given]


def _comes_of_parameter(model: Expression | None) -> bool:
    """Whether a model is what calling a parameter of the function gave: ``model = factory()``.

    Which model that is, the caller decides, and none that the file is seen to load is nearer.
    """
    if model is None or not isinstance(model[0], ast.Name):
        return False
    scope = model[1].block.scope
    called = [
        definition.node.func
        for definition in scope.bindings.get(model[0].id, ())
        if isinstance(definition.node, ast.Call)
    ]
    first = called[0] if called else None
    return isinstance(first, ast.Name) and first.id in scope.parameters


def _only_adapters(sources: Iterable[Found | None]) -> set[Found]:
    return {each for each in sources if each is not None and each.known.kind == "adapter"}


def _add(linked: Linked, found: Found) -> None:
    calls = linked.by_kind.setdefault(found.known.kind, [])
    if found not in calls:
        calls.append(found)
