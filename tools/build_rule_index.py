"""Write ``rules/lora_rules/engine/rule_index.py``: what each rule asks for.

    python tools/build_rule_index.py

To be run whenever a rule is added or its code, severity or parameters change;
``tests/rules/engine/test_rule_index.py`` says when.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lora_rules.engine.askable import complaint, is_setting
from lora_rules.engine.facts import ASKS, FACTS, find_fact
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.registry import RegistrationError, imported_rules
from lora_rules.engine.rule import Rule
from lora_rules.engine.version_range import ANY

INDEX = Path(__file__).parent.parent / "rules" / "lora_rules" / "engine" / "rule_index.py"

HEAD = '''"""What each rule needs. ``tools/build_rule_index.py`` wrote this: do not edit."""

# ruff: noqa: E501
# fmt: off
from __future__ import annotations

from lora_rules.engine.version_range import ANY

Row = tuple[
    str,
    str,
    str,
    int,
    tuple[tuple[str, str], ...],
    tuple[object, ...],
    bool,
    bool,
    bool,
    tuple[str, ...],
]

RULES: tuple[Row, ...] = (
'''

FOOT = ''')
"""Code, module, function, severity, its positional parameters each with its annotation, the last
ones' defaults, ``preview``, ``without_adapter``, ``of_records``, ``calls``."""
'''


def index() -> str:
    """The text of the index.

    Raises:
        SystemExit: with everything that a rule or fact asks for and that there is not, or with
            the first rule that cannot be registered.
    """
    try:
        imported_rules()
    except RegistrationError as error:
        raise SystemExit(str(error)) from None
    if wrong := complaints():
        raise SystemExit("\n".join(wrong))
    rows = "".join(f"    {_row(rule)!r},\n" for rule in imported_rules().values())
    return HEAD + rows.replace(repr(ANY), "ANY") + FOOT


def complaints() -> list[str]:
    """What is wrong with the parameters of our rules and facts, a sentence each."""
    asked: dict[str, Callable[..., Any]] = {
        f"{rule.code} {rule.name}": rule.function for rule in imported_rules().values()
    }
    for name in FACTS:
        if (fact := find_fact(name)) is not None:
            asked[f"fact {name}"] = fact
    found = [f"{what}: {wrong}" for what, each in asked.items() if (wrong := complaint(each))]
    for name, settings in ASKS.items():
        found += [
            f"ASKS of the fact {name}: {each} is no setting"
            for each in sorted(settings)
            if not is_setting(each)
        ]
    return found


def _row(rule: Rule) -> tuple[object, ...]:
    parameters, defaults = parameters_of(rule.function)
    return (
        rule.code,
        rule.function.__module__.removeprefix("lora_rules.checks."),
        rule.function.__name__,
        int(rule.severity),
        tuple(parameters),
        tuple(defaults),
        rule.preview,
        rule.without_adapter,
        rule.of_records,
        rule.calls,
    )


if __name__ == "__main__":
    INDEX.write_text(index())
