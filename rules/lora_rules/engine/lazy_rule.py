"""A rule's function whose module is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lora_rules.engine.problem import Problem


Parameters = Sequence[tuple[str, str]]
"""Names, each with its annotation."""


class Deferred:
    """Stands for a function of a module; what its parameters ask for is known beforehand."""

    def __init__(
        self,
        module: str,
        name: str,
        parameters: Parameters,
        defaults: tuple[object, ...],
    ) -> None:
        """Import nothing yet.

        Args:
            module: where the function is.
            name: what it is called there.
            parameters: the positional ones, each with its annotation.
            defaults: those of the last parameters.
        """
        self.module = module
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self._imported: Any = None

    def load(self) -> Callable[..., Iterable[Problem]]:
        """The function itself."""
        if self._imported is None:
            from importlib import import_module

            self._imported = import_module(self.module)
        function: Callable[..., Iterable[Problem]] = getattr(self._imported, self.name)
        return function

    def __call__(self, *arguments: object, **options: object) -> Iterable[Problem]:
        """Import the function, and call it."""
        return self.load()(*arguments, **options)


def parameters_of(function: Callable[..., Any]) -> tuple[Parameters, tuple[object, ...]]:
    """A function's positional parameters, and the defaults of the last of them."""
    if isinstance(function, Deferred):
        return function.parameters, function.defaults
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    annotations = function.__annotations__
    written = [annotations.get(name, "object") for name in names]
    if not (function.__module__ or "").startswith("lora_rules."):
        from lora_rules.engine.annotations import spelled  # ours are text, in one spelling

        written = [spelled(annotation) for annotation in written]
    return list(zip(names, written, strict=True)), function.__defaults__ or ()
