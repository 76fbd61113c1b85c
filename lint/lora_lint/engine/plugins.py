"""Rules of a team's own: Python files, or installed packages, that the settings name.

    [tool.lora-lint]
    plugins = ["tools/our_rules.py", "acme-lora-rules"]

A plugin is code, and loading it runs it. Only the settings of the repository that we run in are
asked, those at its root; a settings file further down, or of another repository that is linted,
names plugins in vain. A name that does not end in ``.py`` is an entry point of the group
``lora_lint.rules``. ``--no-plugins`` loads none.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

from lora_lint.engine.config import ConfigError
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.registry import RegistrationError, all_rules
from lora_rules.engine.rule import Rule

GROUP = "lora_lint.rules"
_CODE = lazily(r"[A-Z]{2,8}\d{3,4}")
RESERVED = "LL"
"""Codes that begin so are ours."""


def load(names: Iterable[str]) -> tuple[Rule, ...]:
    """Load plugins; the answer is the rules that came with them.

    Raises:
        ConfigError: if one cannot be loaded, or brings a rule that cannot be one.
    """
    before = set(all_rules())
    for name in names:
        try:
            _import(name)
        except ConfigError:
            raise
        except RegistrationError as error:
            raise ConfigError(f"plugin {name}: {error}") from error
        except (Exception, SystemExit) as error:  # a stranger's code: anything may come out of it
            raise ConfigError(
                f"plugin {name}: cannot be loaded: {type(error).__name__}: {error}"
            ) from error
    rules = tuple(rule for code, rule in all_rules().items() if code not in before)
    for rule in rules:
        _check(rule)
    return rules


def _import(name: str) -> None:
    if name.endswith(".py"):
        _import_file(name)
    else:
        _import_entry_point(os.path.basename(name))


def _import_file(path: str) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    real = os.path.realpath(path)
    if not os.path.isfile(real):
        raise ConfigError(f"plugin {path}: no such file")
    module_name = "lora_lint_plugin_" + re.sub(r"\W", "_", real)
    if module_name in sys.modules:
        return
    spec = spec_from_file_location(module_name, real)
    if spec is None or spec.loader is None:
        raise ConfigError(f"plugin {path}: is no Python module")
    module = module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise


def _import_entry_point(name: str) -> None:
    from importlib.metadata import entry_points

    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        known = ", ".join(sorted(point.name for point in entry_points(group=GROUP))) or "none"
        raise ConfigError(f"plugin {name}: no installed package offers it (there are: {known})")
    found[0].load()


def _check(rule: Rule) -> None:
    if not _CODE.fullmatch(rule.code) or rule.code.startswith(RESERVED):
        raise ConfigError(
            f"plugin rule {rule.name}: its code is {rule.code!r}; it needs two capital letters or "
            f"more and three digits, as in OUR001, and {RESERVED} is taken"
        )
    if "\n## Bad\n" not in f"\n{rule.page}\n" or not rule.summary.endswith("."):
        raise ConfigError(
            f"plugin rule {rule.code} {rule.name}: its docstring is no page: a sentence, then "
            "sections, with Bad and Good examples (lora-lint explain LL101 shows one)"
        )
