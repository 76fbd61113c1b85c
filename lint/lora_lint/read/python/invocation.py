"""Calls on a way through a file: who is called, with which objects, and what comes out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lora_lint.read.python import callees, functions
from lora_lint.read.python.callees import Callee
from lora_lint.read.python.evaluation import Evaluation
from lora_lint.read.python.index import inside
from lora_lint.read.python.objects import Frame, Held, Options, is_answer
from lora_lint.read.python.scopes import Block, Scope, Site
from lora_rules.engine.budgets import CALL_DEPTH
from lora_rules.engine.effects import (
    ARGUMENTS,
    FIRST,
    FIRST_TWO,
    NEW,
    NEW_AND_MORE,
    OWNER,
    PART,
    Effect,
)
from lora_rules.libraries.effects import effect_of
from lora_rules.recipe import Thing

_OF_TRAINERS = ("training_step", "compute_loss")
_OF_MODELS = ("forward",)
_WITHOUT_GRADIENT = ("no_grad", "inference_mode")
_OVER_ROWS = frozenset([".map", ".filter", ".with_transform", ".set_transform"])
_WHEN_CALLED = ("__call__", "forward")
_READS = ("get", "items", "keys", "values", "copy")
"""Methods of a dictionary that leave it as it is."""


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
        returned = self._callbacks(callee.name, node, site, positional, keywords)
        spread = self._spread(node, positional, keywords, site)
        is_open = _is_open(node, spread)
        if callee.own is not None:
            return self._own(callee, node, site, positional, keywords, is_open)
        if callee.name == "builtins.dict" and not positional and not is_open:
            written = {k.arg: (k.value, site) for k in node.keywords if k.arg} | spread
            return Options({name: self._whole(held) for name, held in keywords.items()}, written)
        names = callees.positions(callee.name)
        given = {k.arg: k.value for k in node.keywords if k.arg is not None}
        given |= {name: value for name, (value, _) in spread.items()}
        things: dict[str, Thing] = {}
        for position, (part, held) in enumerate(zip(node.args, positional, strict=True)):
            name = names[position] if position < len(names) else str(position)
            given.setdefault(name, part)
            self._put(things, name, held)
        for name, held in keywords.items():
            self._put(things, name, held)
        made, out = self._made(callee, positional, keywords)
        on = callee.on if isinstance(callee.on, Thing) else None
        functions = self._functions(given, site) if _goes_over_rows(callee.name) else {}
        self._note(
            callee.name,
            node,
            site,
            on,
            given,
            things,
            made,
            not is_open,
            {name: where for name, (_, where) in spread.items()},
            returned,
            functions,
        )
        if returned and isinstance(out, Thing):
            self._hand_on(callee.name, out, returned)
        if callee.name == ".__call__" and on is not None:
            self._step_into(on, positional, keywords)
        if callee.made is not None and made is not None:
            self.origins.instance(self._calls[-1], callee.made)
            self._initialise(callee.made, made, positional, keywords, is_open)
        if made is not None:
            self._begin(callee, made, given, things, node, site)
        self._method_of_interest(callee.name, on, node, site, positional)
        return out

    def _method_of_interest(
        self, name: str, on: Thing | None, node: ast.Call, site: Site, positional: list[Held]
    ) -> None:
        """A trainer's ``train()``; ``losses.append(loss)``."""
        if name == ".train" and on is not None and on.number in self._trainers:
            self._train(on, node, site)
        elif name == ".append" and len(positional) == len(node.args) == 1:
            self._append(node, site, positional[0])

    def _add(self, name: str, held: Thing, node: ast.expr, site: Site) -> Thing:
        """Something is added to a name: noted where its loop never lets go of the sum."""
        from lora_lint.read.python import sums  # few scripts count with losses

        if name and sums.starts_anew(name, site):
            return held
        self._note("=+", node, site, None, {}, {"value": held})
        return sums.summed(held) if name else held

    def _append(self, node: ast.Call, site: Site, held: Held) -> None:
        """``losses.append(loss)``: a sum of what a model answers, for all that memory is about."""
        if isinstance(held, Thing) and is_answer(held):
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            self._add(owner.id if isinstance(owner, ast.Name) else "", held, node.args[0], site)

    def _begin(
        self,
        callee: Callee,
        made: Thing,
        given: dict[str, ast.expr],
        things: dict[str, Thing],
        node: ast.Call,
        site: Site,
    ) -> None:
        """What is known of an object because it is a trainer, or of a class of the file."""
        is_trainer = callee.name.endswith("Trainer")
        if is_trainer or callee.made is not None:
            self._called_back(callee, made, given, node, site)
        if is_trainer:
            self._hold_model(callee.name, made, things)

    def _hold_model(self, name: str, trainer: Thing, things: dict[str, Thing]) -> None:
        """A trainer has the model that it is given; TRL's wraps it, or the one that it loads."""
        self._trainers.add(trainer.number)
        wraps = name.startswith("trl.") and "peft_config" in things
        model = things.get("model")
        if wraps:
            model = (self._store.fresh() if model is None else model)._replace(wrapped=True)
        if model is not None:
            self._store.set_attribute(trainer, "model", model)

    def _put(self, things: dict[str, Thing], name: str, held: Held) -> None:
        """An argument; of lists and mappings also what is in them."""
        if held is None:
            return
        whole = self._whole(held)
        if isinstance(whole, Thing):
            things[name] = whole
        for key, item in self._store.items(held).items():
            if isinstance(item, Thing):
                things[f"{name}.{key}"] = item
        if isinstance(held, list):
            for position, part in enumerate(held):
                self._put(things, f"{name}.{position}", part)

    def _called_back(
        self, callee: Callee, made: Thing, given: dict[str, ast.expr], node: ast.Call, site: Site
    ) -> None:
        """What a trainer calls of the file: functions that it is handed, methods of its class."""
        if callee.made is None and "reward_funcs" not in given and "formatting_func" not in given:
            return
        from lora_lint.read.python import signatures  # imported here: most scripts hand over none

        found = signatures.handed(self.resolver, given, site)
        if callee.made is not None:
            found |= signatures.overridden(self.resolver, callee.made)
        for name, each in found.items():
            self._note(f"={name}", node, site, made, {}, {}, signatures=each)

    def _functions(self, given: dict[str, ast.expr], site: Site) -> dict[str, str]:
        """The functions of libraries that are handed over, by argument."""
        found: dict[str, str] = {}
        for name, part in given.items():
            if isinstance(part, ast.Name | ast.Attribute) and self._may_be_function(part, site):
                callee = callees.of_name(self.resolver, part, site)
                if callee.name:
                    found[name] = callee.name
        return found

    def _may_be_function(self, part: ast.Name | ast.Attribute, site: Site) -> bool:
        """Whether a name leads to no variable: ``args.batch_size`` is not worked out for it."""
        root: ast.expr = part
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or not self._is_variable(root.id, site):
            return True
        return isinstance(part, ast.Attribute) and root.id == "self"

    def _spread(
        self, node: ast.Call, positional: list[Held], keywords: dict[str, Held], site: Site
    ) -> dict[str, tuple[ast.expr, Site]]:
        """Put what ``**options`` holds among the keywords; as it is written.

        A dictionary that is handed over whole may come back changed: it is not followed further.
        """
        spread: dict[str, tuple[ast.expr, Site]] = {}
        if not any(isinstance(held, Options) for held in (*positional, *keywords.values())):
            return spread
        for part, held in zip(node.args, positional, strict=True):
            self._hand_over(part, held, site)
        for keyword in node.keywords:
            held = keywords[keyword.arg or "**"]
            if keyword.arg is not None:
                self._hand_over(keyword.value, held, site)
        options = keywords.get("**")
        if isinstance(options, Options):
            del keywords["**"]
            spread.update(options.written)
            keywords.update(options.helds)
        return spread

    def _hand_over(self, node: ast.expr, held: Held, site: Site) -> None:
        if isinstance(held, Options) and isinstance(node, ast.Name):
            self._bind(node, self._whole(held), site, None)

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
            if self._may_enter(inner):
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
            if isinstance(owner, Options):
                if function.attr not in _READS:
                    self._hand_over(function.value, owner, site)
                owner = self._whole(owner)
            if owner is None:
                callee = callees.of_name(self.resolver, function, site)
                return callee if callee.name or callee.own else Callee(f".{function.attr}")
            held = self._store.assigned(owner, function.attr)
            if held is not None:
                return Callee(".__call__", on=held)
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
        return self._new(callee, effect)

    def _new(self, callee: Callee, effect: Effect | None) -> tuple[Thing | None, Held]:
        """The new object that comes out, and what the expression gives."""
        made = self._store.fresh()
        if effect is not None:
            if effect.gives == NEW_AND_MORE:
                return made, [made, self._store.fresh()]
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
        is_open: bool,
    ) -> Held:
        assert callee.own is not None  # noqa: S101
        if not self._may_enter(callee.own):
            things: dict[str, Thing] = {}
            for position, held in enumerate((*positional, *keywords.values())):
                self._put(things, str(position), held)
            self._note("", node, site, None, {}, things)
            return self._store.fresh()
        given = dict(keywords)
        names = list(callee.own.parameters)
        if callee.on is not None and names:
            given[names.pop(0)] = callee.on
        given.update(zip(names, positional, strict=False))
        if not is_open:
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
        inside = (f for f in _chain(self._frame) if f.scope is scope.parent)
        return next(inside, None) or self._global(scope)

    def _step_into(self, on: Thing, positional: list[Held], keywords: dict[str, Held]) -> None:
        """Go through what an object of this file does when it is called."""
        for name in _WHEN_CALLED:
            inner = self._method(name, on).own
            if inner is not None and self._may_enter(inner):
                given = dict(zip(inner.parameters, [on, *positional], strict=False))
                self._enter(inner, dict(keywords) | given)

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
        if inner is None or not self._may_enter(inner):
            return
        names = list(inner.parameters)
        given = dict(keywords) | dict(zip(names, [made, *positional], strict=False))
        if not is_open:
            self._fill(inner, given)
        self._enter(inner, given)

    def _may_enter(self, scope: Scope) -> bool:
        """Whether a function is gone through: not within itself, and only if it matters."""
        is_free = scope not in self._active and len(self._active) < CALL_DEPTH
        return is_free and self.resolver.program.matters(scope)

    def _enter(self, scope: Scope, given: dict[str, Held]) -> Held:
        """Go through a function's body; what it returns."""
        self.entered.add(scope)
        self._without_gradient(scope)
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

    def _without_gradient(self, scope: Scope) -> None:
        """``@torch.no_grad()`` is noted where its function is entered."""
        for decorator in getattr(scope.node, "decorator_list", ()):
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = getattr(function, "attr", None) or getattr(function, "id", None)
            if name in _WITHOUT_GRADIENT and scope.site is not None:
                self._note(f"torch.{name}", decorator, scope.site, None, {}, {})

    def _callbacks(
        self,
        callee: str,
        node: ast.Call,
        site: Site,
        positional: list[Held],
        keywords: dict[str, Held],
    ) -> dict[str, Mapping[str, Thing]]:
        """Functions of this file that are handed over (``dataset.map(tokenize)``) may be called.

        Returns:
            By the argument, what each gives: as a whole under ``""``, and by its keys.
        """
        names = callees.positions(callee)
        given = self._given_to_functions(callee, positional, keywords)
        returned: dict[str, Mapping[str, Thing]] = {}
        for place, (part, held) in enumerate(zip(node.args, positional, strict=True)):
            name = names[place] if place < len(names) else str(place)
            self._handed(callee, name, part, held, site, given, returned)
        for keyword in node.keywords:
            name = keyword.arg or "**"
            self._handed(callee, name, keyword.value, keywords[name], site, given, returned)
        return returned

    def _given_to_functions(
        self, callee: str, positional: list[Held], keywords: dict[str, Held]
    ) -> tuple[list[Held], dict[str, Held]]:
        """What a function that is handed over will be given, as far as it is written here."""
        if callee == "functools.partial":
            return positional[1:], keywords
        more = keywords.get("fn_kwargs")
        return [], dict(self._store.items(more))

    def _handed(
        self,
        callee: str,
        name: str,
        part: ast.expr,
        held: Held,
        site: Site,
        given: tuple[list[Held], dict[str, Held]],
        returned: dict[str, Mapping[str, Thing]],
    ) -> None:
        """One argument: go through it, if it is a function of this file."""
        if held is None and not isinstance(part, ast.Name | ast.Lambda):
            return  # no function, and no object
        known = self._gives.get(held.number) if isinstance(held, Thing) else None
        if known is not None:
            returned[name] = known
            return
        out: Held = None
        if isinstance(part, ast.Lambda):
            out = self._lambda(part, site) if _goes_over_rows(callee) else None
        elif isinstance(part, ast.Name) and not self._is_variable(part.id, site):
            scope = callees.of_name(self.resolver, part, site).own
            if scope is not None:
                names = list(scope.parameters)
                out = self._handed_over(scope, dict(zip(names, given[0], strict=False)) | given[1])
        elif isinstance(held, Thing) and _goes_over_rows(callee):
            out = self._of_object(part, held, site, callee, given)
        if out is None:
            return
        whole = self._whole(out)
        items = self._store.items(out).items()
        parts = {key: item for key, item in items if isinstance(item, Thing)}
        if isinstance(whole, Thing):
            parts[""] = whole
        if parts:
            returned[name] = parts

    def _of_object(
        self,
        part: ast.expr,
        held: Thing,
        site: Site,
        callee: str,
        given: tuple[list[Held], dict[str, Held]],
    ) -> Held:
        """What a method that is handed over gives, or an object of this file that is a dataset."""
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            owner = self._lookup(part.value, site)
            method = self._method(part.attr, owner).own
            if method is not None:
                names = list(method.parameters)
                bound = dict(zip(names, [owner, *given[0]], strict=False))
                return self._handed_over(method, bound | given[1])
        for name in ("__getitem__", "__call__"):
            method = self._method(name, held).own
            if method is not None:
                return self._handed_over(method, dict(zip(method.parameters, [held], strict=False)))
        return None

    def _handed_over(self, scope: Scope, given: dict[str, Held]) -> Held:
        """Go through a function that somebody else calls."""
        if not self._may_enter(scope):
            return None
        before = self._branch
        self._arms[f"#{len(self._arms)}"] = number = len(self._arms) + 1
        self._branch = (*before, -number)
        held = self._enter(scope, given)
        self._branch = before
        return held

    def _lambda(self, node: ast.Lambda, site: Site) -> Held:
        """What a function without a name gives, for rows of which nothing is known."""
        inner = inside(site, node)
        places = [(self._frame.number, name) for name in inner.binds]
        before = [(place, self._store.held[place]) for place in places if place in self._store.held]
        for place in places:
            self._store.hold(place, self._store.fresh())
        held = self._in_loop(node.body, inner)
        for place in places:
            self._store.forget(place)
        for place, outer in before:
            self._store.hold(place, outer)
        return held

    def _hand_on(
        self, callee: str, made: Thing, returned: Mapping[str, Mapping[str, Thing]]
    ) -> None:
        """What a function gives that is handed over, where it is known to come out again."""
        if callee == "functools.partial":
            self._gives[made.number] = next(iter(returned.values()))
        elif callee.endswith("DataLoader"):
            rows = returned.get("collate_fn") or next(iter(returned.values()))
            for key, item in rows.items():
                if key:
                    self._store.set_item(Thing(made.number, "[]"), key, item)


def _goes_over_rows(callee: str) -> bool:
    """Whether a call gives the rows of a dataset to what it is handed."""
    return callee in _OVER_ROWS or callee.endswith(("Trainer", "DataLoader"))


def _chain(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.outer


def _through(effect: Effect, thing: Thing) -> Thing:
    """The object that a call gives back, reached through PEFT's wrapper or past it."""
    return thing if effect.wrapped is None else thing._replace(wrapped=effect.wrapped)


def _is_open(node: ast.Call, spread: Mapping[str, object]) -> bool:
    """Whether more arguments may arrive than are written, or than ``**options`` spreads."""
    splats = sum(keyword.arg is None for keyword in node.keywords)
    if splats and not (splats == 1 and spread):
        return True
    return any(isinstance(part, ast.Starred) for part in node.args)
