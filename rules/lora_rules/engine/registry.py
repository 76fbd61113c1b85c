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

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.lazy_rule import Deferred
from lora_rules.engine.problem import Severity
from lora_rules.engine.rule import Check, Rule
from lora_rules.engine.rule_index import RULES

if TYPE_CHECKING:
    from lora_rules.evidence import Evidence

_registry: dict[str, Rule] = {}
"""Every rule whose module has been imported."""


def rule(
    code: str,
    severity: Severity,
    *,
    evidence: Iterable[Evidence],
    preview: bool = False,
    without_adapter: bool = False,
    of_records: bool = False,
) -> Callable[[Check], Check]:
    """Register the function below as a rule.

    Raises:
        ValueError: if the code is taken, or there is no evidence or no page.
    """
    sources = tuple(evidence)

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        if not sources:
            raise ValueError(f"{code} {name}: a rule needs evidence")
        if not check.__doc__:
            raise ValueError(f"{code} {name}: a rule needs a page (its docstring)")
        if _is_taken(code, name, check.__module__):
            raise ValueError(f"{code} {name}: that code or name is taken")
        check.evidence = sources  # type: ignore[attr-defined]  # Rule.evidence reads it
        _registry[code] = Rule(code, name, severity, check, preview, without_adapter, of_records)
        return check

    return register


def _is_taken(code: str, name: str, module: str) -> bool:
    """Whether another rule has that code or name. Of ours, a test compares the names."""
    if code in _registry or module.startswith("lora_rules."):
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
