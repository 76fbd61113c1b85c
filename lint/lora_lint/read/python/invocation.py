"""Calls on a way through a file: who is called, with which objects, and what comes out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lora_lint.read.python import callees, functions
from lora_lint.read.python.callees import Callee
from lora_lint.read.python.evaluation import Evaluation
from lora_lint.read.python.objects import Frame, Held
from lora_lint.read.python.scopes import Block, Scope, Site
from lora_rules.engine.budgets import CALL_DEPTH
from lora_rules.engine.effects import ARGUMENTS, FIRST, FIRST_TWO, NEW, OWNER, PART, Effect
from lora_rules.libraries.effects import effect_of
from lora_rules.recipe import Thing

_OF_TRAINERS = ("training_step", "compute_loss")
_OF_MODELS = ("forward",)


class Invocation(Evaluation):
    """Notes every call, and goes through the functions of the file where they are called."""

    def _block(self, block: Block) -> None:
        raise NotImplementedError

    # Calls

    def _call(self, node: ast.Call, site: Site) -> Held:
        self.nodes.add(id(node))
        callee = self._callee(node, site)
        positional = [self._value(part, site) for part in node.args]
        keywords = {k.arg or "**": self._value(k.value, site) for k in node.keywords}
        self._callbacks(node, site)
        if callee.own is not None:
            return self._own(callee, node, site, positional, keywords)
        names = callees.positions(callee.name)
        given = {k.arg: k.value for k in node.keywords if k.arg is not None}
        things: dict[str, Thing] = {}
        for position, (part, held) in enumerate(zip(node.args, positional, strict=True)):
            name = names[position] if position < len(names) else str(position)
            given.setdefault(name, part)
            _put(things, name, held)
        for name, held in keywords.items():
            _put(things, name, held)
        made, out = self._made(callee, positional, keywords)
        on = callee.on if isinstance(callee.on, Thing) else None
        self._note(callee.name, node, site, on, given, things, made, not _is_open(node))
        if callee.made is not None and made is not None:
            self.origins.instance(self._calls[-1], callee.made)
            self._initialise(callee.made, made, positional, keywords, _is_open(node))
        if callee.name.endswith("Trainer") and made is not None:
            self._hold_model(callee.name, made, things)
        if callee.name == ".train" and on is not None and on.number in self._trainers:
            self._train(on, node, site)
        return out

    def _hold_model(self, name: str, trainer: Thing, things: dict[str, Thing]) -> None:
        """A trainer has the model that it is given; TRL's wraps it, or the one that it loads."""
        self._trainers.add(trainer.number)
        wraps = name.startswith("trl.") and "peft_config" in things
        model = things.get("model")
        if wraps:
            model = (self._store.fresh() if model is None else model)._replace(wrapped=True)
        if model is not None:
            self._store.set_attribute(trainer, "model", model)

    def _train(self, trainer: Thing, node: ast.Call, site: Site) -> None:
        """What a trainer calls of this file, again and again: its own methods and the model's."""
        model = self._store.attribute(trainer, "model")
        hooks = [
            (inner, owner)
            for owner, names in ((trainer, _OF_TRAINERS), (model, _OF_MODELS))
            for name in names
            if isinstance(owner, Thing) and (inner := self._method(name, owner).own) is not None
        ]
        if not hooks:
            return
        before = self._branch
        self._arms[f"#{len(self._arms)}"] = len(self._arms) + 1
        self._branch = (*before, -len(self._arms))
        for inner, owner in hooks:
            if inner not in self._active and len(self._active) < CALL_DEPTH:
                given = [owner] if owner is model else [owner, model]
                self._enter(inner, dict(zip(inner.parameters, given, strict=False)))
        self._note(".backward", node, site, None, {}, {})
        self._branch = before

    def _callee(self, node: ast.Call, site: Site) -> Callee:
        function = node.func
        if isinstance(function, ast.Name):
            held = self._lookup(function, site)
            if isinstance(held, Thing):
                callee = callees.of_name(self.resolver, function, site)
                return callee if callee.name or callee.own else Callee(".__call__", on=held)
            return callees.of_name(self.resolver, function, site)
        if isinstance(function, ast.Attribute):
            owner = self._value(function.value, site)
            if owner is None:
                callee = callees.of_name(self.resolver, function, site)
                return callee if callee.name or callee.own else Callee(f".{function.attr}")
            return self._method(function.attr, owner)
        return Callee(".__call__", on=self._value(function, site))

    def _method(self, name: str, owner: Held) -> Callee:
        if isinstance(owner, Thing) and not owner.part and owner.number in self._store.classes:
            bindings = self._store.classes[owner.number].bindings.get(name, [])
            if len(bindings) == 1 and bindings[0].node in self.resolver.index.scopes:
                assert bindings[0].node is not None  # noqa: S101
                return Callee(own=self.resolver.index.scopes[bindings[0].node], on=owner)
        return Callee(f".{name}", on=owner)

    def _made(
        self, callee: Callee, positional: list[Held], keywords: dict[str, Held]
    ) -> tuple[Thing | None, Held]:
        """The object that comes out, and what the expression gives."""
        name, on = callee.name, callee.on
        effect = effect_of(name)
        gives = NEW if effect is None else effect.gives
        if gives == ARGUMENTS and positional:
            return None, positional[0] if len(positional) == 1 else list(positional)
        if name.startswith(".") and isinstance(on, Thing):
            if effect is not None and gives == OWNER:
                made = _through(effect, on)
                return made, made
            part = f"{on.part}{name}()" if on.part else f"{name[1:]}()"
            return None, Thing(on.number, part)
        if effect is not None and gives in (FIRST, PART) and positional + list(keywords.values()):
            names = callees.positions(name)
            place = names.index("model") if "model" in names else 0
            first = positional[place] if place < len(positional) else keywords.get("model")
            if gives == PART:
                first = self._store.made_of(positional)  # filter(test, parameters)
            if isinstance(first, Thing):
                made = _through(effect, first)
                return made, made
        if gives == FIRST_TWO and len(positional) > 1:
            return None, [*positional[:2], self._store.fresh()]
        made = self._store.fresh()
        if effect is not None:
            made = _through(effect, made)
        if callee.made is not None:
            self._store.classes[made.number] = callee.made
        return made, made

    # Functions of this file

    def _own(
        self,
        callee: Callee,
        node: ast.Call,
        site: Site,
        positional: list[Held],
        keywords: dict[str, Held],
    ) -> Held:
        assert callee.own is not None  # noqa: S101
        if callee.own in self._active or len(self._active) >= CALL_DEPTH:
            things: dict[str, Thing] = {}
            for position, held in enumerate((*positional, *keywords.values())):
                _put(things, str(position), held)
            self._note("", node, site, None, {}, things)
            return self._store.fresh()
        given = dict(keywords)
        names = list(callee.own.parameters)
        if callee.on is not None and names:
            given[names.pop(0)] = callee.on
        given.update(zip(names, positional, strict=False))
        if not _is_open(node):
            self._fill(callee.own, given)
        self._stack.append((callee.own, node))
        held = self._enter(callee.own, given)
        self._stack.pop()
        return held

    def _fill(self, scope: Scope, given: dict[str, Held]) -> None:
        """Add the defaults of the parameters that a call does not give."""
        for name in scope.parameters:
            default = None if name in given else functions.default(scope, name)
            if default is not None:
                before, self._frame = self._frame, self._outer(scope)
                given[name] = self._value(*default)
                self._frame = before

    def _outer(self, scope: Scope) -> Frame:
        """The frame in which a function was defined."""
        return next((f for f in _chain(self._frame) if f.scope is scope.parent), self._module)

    def _initialise(
        self,
        scope: Scope,
        made: Thing,
        positional: list[Held],
        keywords: dict[str, Held],
        is_open: bool,
    ) -> None:
        bindings = scope.bindings.get("__init__", [])
        node = bindings[0].node if len(bindings) == 1 else None
        inner = None if node is None else self.resolver.index.scopes.get(node)
        if inner is None or inner in self._active or len(self._active) >= CALL_DEPTH:
            return
        names = list(inner.parameters)
        given = dict(keywords) | dict(zip(names, [made, *positional], strict=False))
        if not is_open:
            self._fill(inner, given)
        self._enter(inner, given)

    def _enter(self, scope: Scope, given: dict[str, Held]) -> Held:
        """Go through a function's body; what it returns."""
        self.entered.add(scope)
        self._frames += 1
        before = self._frame
        self._frame = frame = Frame(scope, self._outer(scope), self._frames)
        for position, name in enumerate(scope.parameters):
            if name in given:
                held = given[name]
            else:
                held = self._store.fresh()
                if position == 0 and scope.parent and isinstance(scope.parent.node, ast.ClassDef):
                    self._store.classes[held.number] = scope.parent
            self._store.hold((frame.number, name), held)
        self._active.append(scope)
        self._block(scope.root)
        self._active.pop()
        self._frame = before
        return self._store.returned(frame, not scope.root.leaves)

    def _callbacks(self, node: ast.Call, site: Site) -> None:
        """Functions of this file that are handed over (``dataset.map(tokenize)``) may be called."""
        for part in (*node.args, *(keyword.value for keyword in node.keywords)):
            if not isinstance(part, ast.Name) or self._is_variable(part.id, site):
                continue
            scope = callees.of_name(self.resolver, part, site).own
            if scope is not None and scope not in self._active and len(self._active) < CALL_DEPTH:
                before = self._branch
                self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
                self._branch = (*before, -number)
                self._enter(scope, {})
                self._branch = before


def _chain(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.outer


def _through(effect: Effect, thing: Thing) -> Thing:
    """The object that a call gives back, reached through PEFT's wrapper or past it."""
    return thing if effect.wrapped is None else thing._replace(wrapped=effect.wrapped)


def _put(things: dict[str, Thing], name: str, held: Held) -> None:
    if isinstance(held, Thing):
        things[name] = held
    elif isinstance(held, list):
        for position, part in enumerate(held):
            _put(things, f"{name}.{position}", part)


def _is_open(node: ast.Call) -> bool:
    return any(keyword.arg is None for keyword in node.keywords) or any(
        isinstance(part, ast.Starred) for part in node.args
    )
