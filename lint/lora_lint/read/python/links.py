"""Which calls belong to which adapter.

By the flow of objects first (``SFTTrainer(model=model, peft_config=config)``), else by being the
only one of their kind in the same function, else in the file. Several that are equally near decide
nothing: the settings of all of them are then unknown.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator

from lora_lint.read.python.arguments import Found
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.trace import terminals


class Linked:
    """What belongs to one adapter: of each kind one call, or several, and then none of them."""

    __slots__ = ("by_kind", "maybe_unquantized", "model_string", "undecided", "unquantized")

    by_kind: dict[str, list[Found]]
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
        self.unquantized = unquantized
        self.maybe_unquantized = maybe_unquantized
        self.undecided = undecided
        self.model_string = model_string

    def one(self, kind: str) -> Found | None:
        """The call of a kind, if there is exactly one."""
        calls = self.by_kind.get(kind, [])
        return calls[0] if len(calls) == 1 else None

    def several(self, kind: str) -> list[Found]:
        """The calls of a kind, if there is more than one."""
        calls = self.by_kind.get(kind, [])
        return calls if len(calls) > 1 else []


class Links:
    """The flow of objects between the known calls of a file."""

    def __init__(self, resolver: Resolver, calls: list[Found]) -> None:
        self.resolver = resolver
        self.calls = calls
        self._by_node = {id(found.call): found for found in calls}
        self._sessions = list(self._find_sessions())
        self._owners: dict[Found, list[set[Found]]] = defaultdict(list)
        """Of a call in the chain of a session, or of its trainer: the adapters of the session."""
        for adapters, chain, trainer in self._sessions:
            for found in {*chain, *((trainer,) if trainer else ())} if adapters else ():
                self._owners[found].append(adapters)

    def of(self, adapter: Found) -> Linked:
        """Everything that belongs to an adapter."""
        linked = Linked()
        for adapters, chain, trainer in self._sessions:
            if adapter in adapters:
                for found in (*chain, *([trainer] if trainer else ())):
                    _add(linked, found)
        for kind in ("wrap", "prepare", "model", "trainer"):
            self._nearest(linked, kind, adapter)
        self._link_training(linked, adapter)
        self._link_quantization(linked, adapter)
        self._link_model_string(linked)
        return linked

    # What uses what

    def _find_sessions(self) -> Iterator[tuple[set[Found], list[Found], Found | None]]:
        for found in self.calls:
            if found.known.kind == "wrap":
                chain = [found, *self.chain(found.expression("model"))]
                yield self._adapters(found, "peft_config"), chain, None
            elif found.known.kind == "adapter":
                yield {found}, self.chain(found.expression("model")), None
            elif found.known.kind == "trainer":
                chain = self.chain(found.expression("model"))
                adapters = self._adapters(found, "peft_config")
                for link in chain:
                    if link.known.kind == "adapter":
                        adapters.add(link)
                    elif link.known.kind == "wrap":
                        adapters |= self._adapters(link, "peft_config")
                yield adapters, chain, found
        for call, site in self.resolver.index.calls.get("add_adapter", ()):
            if isinstance(call.func, ast.Attribute):
                given = [*call.args, *(keyword.value for keyword in call.keywords)]
                ends = [end for node in given for end in self.sources((node, site))]
                adapters = {end for end in ends if end is not None and end.known.kind == "adapter"}
                yield adapters, self.chain((call.func.value, site)), None

    def sources(self, expression: tuple[ast.expr, Site] | None) -> list[Found | None]:
        """The known calls that an expression may come from; ``None`` for anything else."""
        if expression is None:
            return []
        ends = terminals(self.resolver, *expression)
        return [None if end.node is None else self._by_node.get(id(end.node)) for end in ends]

    def _adapters(self, found: Found, name: str) -> set[Found]:
        sources = self.sources(found.expression(name))
        return {each for each in sources if each is not None and each.known.kind == "adapter"}

    def chain(self, expression: tuple[ast.expr, Site] | None, depth: int = 0) -> list[Found]:
        """The calls that a model went through, last first."""
        found: list[Found] = []
        if depth > 10:
            return found
        for source in self.sources(expression):
            if source is None or source in found:
                continue
            found.append(source)
            if source.known.kind != "model":
                for link in self.chain(source.expression("model"), depth + 1):
                    if link not in found:
                        found.append(link)
        return found

    # What belongs together

    def _nearest(self, linked: Linked, kind: str, adapter: Found) -> None:
        """Without a flow: the only one in the function, else in the file."""
        if linked.by_kind.get(kind):
            return
        everywhere = [found for found in self.calls if found.known.kind == kind]
        if kind in {"wrap", "trainer"}:
            everywhere = [found for found in everywhere if not self._is_of_another(found, adapter)]
        here = [found for found in everywhere if found.scope is adapter.scope]
        linked.by_kind[kind] = here or everywhere

    def _is_of_another(self, found: Found, adapter: Found) -> bool:
        return any(adapter not in adapters for adapters in self._owners.get(found, ()))

    def _link_training(self, linked: Linked, adapter: Found) -> None:
        for trainer in linked.by_kind.get("trainer", ()):
            for source in self.sources(trainer.expression("args")):
                if source is not None and source.known.kind == "training":
                    _add(linked, source)
        self._nearest(linked, "training", adapter)

    def _link_quantization(self, linked: Linked, adapter: Found) -> None:
        models = linked.by_kind.get("model", [])
        if not models:
            self._nearest(linked, "quantization", adapter)
            return
        unquantized = 0
        for model in models:
            given = model.expression("quantization_config")
            if given is None:
                unquantized += 1
                if model.hidden:
                    linked.undecided = model.hidden
                continue
            for end in terminals(self.resolver, *given):
                source = None if end.node is None else self._by_node.get(id(end.node))
                if source is not None and source.known.kind == "quantization":
                    _add(linked, source)
                elif isinstance(end.node, ast.Constant) and end.node.value is None:
                    linked.maybe_unquantized = True
                else:
                    linked.undecided = "the model's quantization_config is unknown"
        quantized = linked.by_kind.get("quantization", [])
        linked.unquantized = not quantized and not linked.undecided
        linked.maybe_unquantized = linked.maybe_unquantized and bool(quantized)
        if quantized and unquantized:
            linked.undecided = "the model is loaded with a quantization_config and without one"

    def _link_model_string(self, linked: Linked) -> None:
        for trainer in linked.by_kind.get("trainer", ())[:1]:
            if not linked.by_kind.get("model"):
                linked.model_string = trainer.expression("model")


def _add(linked: Linked, found: Found) -> None:
    calls = linked.by_kind.setdefault(found.known.kind, [])
    if found not in calls:
        calls.append(found)


def in_order(calls: Iterable[Found]) -> list[Found]:
    """Calls in the order of the file, each once."""
    return sorted(dict.fromkeys(calls), key=lambda each: (each.span.cell or 0, each.span))
