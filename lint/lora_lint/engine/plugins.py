"""Rules and frameworks of a team's own: Python files, or packages, that the settings name.

    [tool.lora-lint]
    plugins = ["tools/our_rules.py", "acme-lora-rules"]

A plugin is code, and loading it runs it; :mod:`lora_lint.engine.trust` says which are loaded. A
name that is no path is an entry point of the group ``lora_lint.rules``, of a package that is
installed: what lies in the repository that we run in is none, whatever ``sys.path`` says.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

from lora_lint.engine.config import Config, ConfigError, is_plugin_file, repository
from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.registry import RegistrationError, all_rules
from lora_rules.engine.rule import Rule

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUP = "lora_lint.rules"
RESERVED = "LL"
"""Codes that begin so are ours."""
_CODE = lazily(r"[A-Z]{2,8}\d{3,4}")


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
    if is_plugin_file(name):
        _import_file(name)
    else:
        _import_entry_point(name)


def _import_file(path: str) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    real = os.path.realpath(path)
    if not os.path.isfile(real):
        raise ConfigError(f"plugin {path}: no such file")
    module_name = _module_name(real)
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


def _module_name(path: str) -> str:
    return "lora_lint_plugin_" + re.sub(r"\W", "_", os.path.realpath(path))


def has_unloaded(config: Config) -> bool:
    """Whether settings name a plugin's file that is not loaded: its rules are not known."""
    files = (plugin for plugin in config.plugins if is_plugin_file(plugin))
    return any(_module_name(file) not in sys.modules for file in files)


def _import_entry_point(name: str) -> None:
    from importlib.metadata import distributions

    outside = _outside(sys.path)
    points = {
        point.name: (point, package)
        for package in distributions(path=outside)
        for point in package.entry_points.select(group=GROUP)
    }
    if name not in points:
        known = ", ".join(sorted(points)) or "none"
        raise ConfigError(f"plugin {name}: no installed package offers it (there are: {known})")
    point, package = points[name]
    before = list(sys.path)
    if not _is_editable(package):
        sys.path[:] = outside
    try:
        point.load()
    finally:
        sys.path[:] = before


def _outside(path: Iterable[str]) -> list[str]:
    """The folders of ``sys.path`` that are not the repository's, which may hold any module."""
    here = os.path.join(os.path.realpath(repository()), "")
    ours = tuple(os.path.join(os.path.realpath(each), "") for each in (sys.prefix, sys.base_prefix))
    real = ((each, os.path.join(os.path.realpath(each), "")) for each in path)
    return [each for each, at in real if not at.startswith(here) or at.startswith(ours)]


def _is_editable(package: Distribution) -> bool:
    """Whether somebody installed the package so that its modules stay where they are."""
    from json import loads

    try:
        origin = loads(package.read_text("direct_url.json") or "{}")
        return bool(origin.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False


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
