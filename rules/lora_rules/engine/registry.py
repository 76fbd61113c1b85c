"""All rules: those of ours by the generated index, others once their module is imported.

The linter starts anew for every commit, and half of the rules have nothing to say of any one file.
So what a rule needs stands in :mod:`lora_rules.engine.rule_index` too, and its module is imported
once all of that is there: ``tools/build_rule_index.py`` writes the index, and a test compares the
two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.facts import registered
from lora_rules.engine.lazy_rule import Deferred
from lora_rules.engine.problem import Severity
from lora_rules.engine.rule import Check, Rule
from lora_rules.engine.rule_index import RULES

if TYPE_CHECKING:
    from lora_rules.engine.keys import KeyPage
    from lora_rules.evidence import Citation


class RegistrationError(ValueError):
    """A rule or fact that cannot be registered; the text is a sentence that says why."""


Fact = Callable[..., Any]

_registry: dict[str, Rule] = {}
"""Every rule whose module has been imported."""


def rule(
    code: str,
    severity: Severity,
    *,
    evidence: Iterable[Citation],
    preview: bool = False,
    without_adapter: bool = False,
    of_records: bool = False,
    calls: tuple[str, ...] = (),
    keys: Callable[[], Iterable[KeyPage]] | None = None,
) -> Callable[[Check], Check]:
    """Register the function below as a rule.

    ``calls`` are the last parts of the names of calls that it is about (``merge_and_unload``), or
    how qualified names begin (``peft.PeftModel``): it is not even imported for a script that makes
    none of them. ``keys`` gives what is to be said of
    each key that its problems may have.

    Raises:
        RegistrationError: if the code is taken, no citation supports it, it has no page, or a
            parameter names nothing that a rule can ask for.
    """
    citations = tuple(evidence)

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        if not all(hasattr(each, "supports") for each in citations):
            raise RegistrationError(
                f"{code} {name}: evidence is what a source says of the rule; "
                'write SOURCE.says("…") in place of SOURCE'
            )
        if not any(each.supports for each in citations):
            raise RegistrationError(f"{code} {name}: a rule needs evidence")
        if not check.__doc__:
            raise RegistrationError(f"{code} {name}: a rule needs a page (its docstring)")
        if _is_taken(code, name, check.__module__):
            raise RegistrationError(f"{code} {name}: that code or name is taken")
        if not _is_ours(check.__module__):  # ours are checked when the index is built
            _check_parameters(f"{code} {name}", check)
        check.evidence = citations  # type: ignore[attr-defined]  # Rule.evidence reads it
        check.keys = keys  # type: ignore[attr-defined]  # Rule.keys reads it
        _registry[code] = Rule(
            code, name, severity, check, preview, without_adapter, of_records, calls
        )
        return check

    return register


def fact(function: Fact) -> Fact:
    """Register the function below as a fact, for rules that are registered after it.

    Its parameters are filled as a rule's are. Where the answer is not known it raises
    :class:`lora_rules.api.Unknown`.

    Raises:
        RegistrationError: if the name is taken, or a parameter names nothing that a fact can ask
            for.
    """
    from lora_rules.engine import askable

    name = function.__name__
    if askable.is_taken(name):
        where = askable.place(function)
        raise RegistrationError(f"fact {name}: that name is taken ({where})")
    _check_parameters(f"fact {name}", function)
    registered[name] = function
    return function


def _check_parameters(what: str, function: Fact) -> None:
    from lora_rules.engine.askable import complaint  # imported here: only plugins are checked

    if wrong := complaint(function):
        raise RegistrationError(f"{what}: {wrong}")


def _is_ours(module: str) -> bool:
    return module.startswith("lora_rules.")


def _is_taken(code: str, name: str, module: str) -> bool:
    """Whether another rule has that code or name. Of ours, a test compares the names."""
    if code in _registry or _is_ours(module):
        return code in _registry
    return any(code == other.code or name == other.name for other in all_rules().values())


def all_rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    return dict(sorted({**_registry, **_indexed()}.items()))


@cache
def _indexed() -> Mapping[str, Rule]:
    """Our own rules, whose modules need not be imported yet."""
    return {
        code: Rule(
            code,
            function.replace("_", "-"),
            Severity(severity),
            Deferred(f"lora_rules.checks.{module}", function, parameters, defaults),
            preview,
            without_adapter,
            of_records,
            calls,
        )
        for (
            code,
            module,
            function,
            severity,
            parameters,
            defaults,
            preview,
            without_adapter,
            of_records,
            calls,
        ) in RULES
    }


def imported_rules() -> Mapping[str, Rule]:
    """Our own rules as their modules declare them, for the index and its test."""
    from pkgutil import walk_packages

    checks = import_module("lora_rules.checks")
    modules = {each.name for each in walk_packages(checks.__path__, "lora_rules.checks.")}
    for module in sorted(modules):
        import_module(module)
    ours = {code: each for code, each in _registry.items() if each.function.__module__ in modules}
    return dict(sorted(ours.items()))
