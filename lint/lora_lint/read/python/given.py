"""What a call is given by keyword, worked out only where a rule asks for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from lora_lint.read.python.arguments import Argument
from lora_lint.read.python.resolver import Resolver
from lora_lint.read.python.scopes import Site
from lora_lint.read.python.settings import setting
from lora_rules.recipe import Setting


class Given(Mapping[str, Setting]):
    """The keyword arguments of a call; each is worked out when it is asked for."""

    __slots__ = ("_elsewhere", "_keywords", "_known", "_resolver", "_site")

    def __init__(
        self,
        resolver: Resolver,
        keywords: dict[str, ast.expr],
        site: Site,
        elsewhere: Mapping[str, Site],
    ) -> None:
        """Work nothing out yet.

        Args:
            resolver: of the file.
            keywords: the arguments as they are written.
            site: the statement of the call.
            elsewhere: the statements of those that are written in another one (``**options``).
        """
        self._resolver = resolver
        self._keywords = keywords
        self._site = site
        self._elsewhere = elsewhere
        self._known: dict[str, Setting] = {}

    def __getitem__(self, name: str) -> Setting:
        if name not in self._known:
            node, site = self.expression(name)
            thunk = self._resolver.thunk(node, site)
            argument = Argument(name, thunk, node, site, None, site.text.span(node))
            self._known[name] = setting(self._resolver, name, argument, site)
        return self._known[name]

    def expression(self, name: str) -> tuple[ast.expr, Site]:
        """The expression of an argument that is given."""
        return self._keywords[name], self._elsewhere.get(name, self._site)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keywords)

    def __len__(self) -> int:
        return len(self._keywords)
