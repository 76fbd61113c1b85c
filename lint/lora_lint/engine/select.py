"""Which rules run on a file: ``select`` and ``ignore``, by code, prefix, name or key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lora_lint.engine.config import Config, ConfigError, did_you_mean, matches
from lora_lint.engine.profiles import PROFILES, Profile, graded, is_off
from lora_lint.engine.selector import means, rule_part
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.registry import all_rules
from lora_rules.engine.rule import Rule


def is_match(rule: Rule, selector: str) -> bool:
    """Whether a selector means a rule: ``ALL``, ``LL1``, ``LL102``, its name, or a key of it."""
    if ":" in selector:
        return rule_part(selector) in (rule.code, rule.name)
    return selector == "ALL" or means(selector, rule.code, rule.name)


def is_known(selector: str) -> bool:
    """Whether a selector means any rule at all, or a key that its rule has."""
    meant = [rule for rule in all_rules().values() if selector and is_match(rule, selector)]
    if ":" not in selector:
        return bool(meant)
    return any(means(selector, rule.code, rule.name, key) for rule in meant for key in rule.keys)


def complaint(selector: str) -> str:
    """What to report of a selector that means no rule, or no key of its rule."""
    from lora_rules.engine.unindexed import missing_from_index  # imported here: for a message only

    code, _colon, key = selector.partition(":")
    if unindexed := missing_from_index(code):
        return f"no rule is called {code!r}: {unindexed[0]}"
    names = [name for rule in all_rules().values() for name in (rule.code, rule.name)]
    rule = next((each for each in all_rules().values() if code in (each.code, each.name)), None)
    if rule is None:
        return f"no rule is called {code!r}{did_you_mean(code, names)}"
    if not rule.keys:
        return f"{code} has no keys: write {code!r}"
    keys = [*rule.keys, *dict.fromkeys(page.owner for page in rule.keys.values())]
    return f"{code} has no key {key!r}{did_you_mean(key, keys)}"


def selected(config: Config, path: str) -> dict[str, Rule]:
    """The rules that run on a file, by code, with the severities of the profile.

    A rule that the profile leaves out runs all the same when it is selected by its code, a prefix
    or its name: ``ALL`` does not mean it, ``LL4`` does.
    """
    profile = PROFILES[config.profile]
    ignored = {selector for selector in _ignored(config, path) if ":" not in selector}
    return {
        code: graded(rule, profile)
        for code, rule in all_rules().items()
        if _is_selected(rule, config, profile) and not _any(rule, ignored)
    }


IsWanted = Callable[[str, str, str], bool]
"""Whether findings of a rule (its code and name) with a key are reported."""


def wanted_keys(config: Config, path: str) -> IsWanted:
    """Which keys are reported of the rules that run on a file: all, unless the settings name some.

    A key that is ignored is not reported. Of a rule that is selected by nothing but keys, only
    those are.
    """
    ignored = [selector for selector in _ignored(config, path) if ":" in selector]
    chosen = [selector for selector in config.select if ":" in selector]
    whole = [selector for selector in config.select if ":" not in selector]
    profile = PROFILES[config.profile]

    def is_wanted(code: str, name: str, key: str) -> bool:
        if any(means(selector, code, name, key) for selector in ignored):
            return False
        if not any(rule_part(selector) in (code, name) for selector in chosen):
            return True
        rule = all_rules()[code]
        return _is_selected(rule, config._replace(select=tuple(whole)), profile) or any(
            means(selector, code, name, key) for selector in chosen
        )

    return is_wanted if ignored or chosen else _wants_all


def _wants_all(_code: str, _name: str, _key: str) -> bool:
    return True


def _ignored(config: Config, path: str) -> list[str]:
    """What the settings ignore in a file."""
    ignored = list(config.ignore)
    for pattern, selectors in config.per_file_ignores.items():
        if matches(path, pattern, config.root):
            ignored += selectors
    return ignored


def _is_selected(rule: Rule, config: Config, profile: Profile) -> bool:
    if is_off(rule, profile):
        return _any(rule, (selector for selector in config.select if selector != "ALL"))
    return "ALL" in config.select or _any(rule, config.select)


def _any(rule: Rule, selectors: Iterable[str]) -> bool:
    return any(is_match(rule, selector) for selector in selectors)


def check_selectors(config: Config) -> list[str]:
    """Warnings about rules that are ignored but do not exist, or that may be a plugin's.

    Raises:
        ConfigError: if a selected rule does not exist, or an option is not the rule's.
    """
    where = f"{config.origin}: " if config.origin else ""
    unknown = [f"{where}select: {complaint(each)}" for each in config.select if not is_known(each)]
    for name, options in config.rules.items():
        rule = next((r for r in all_rules().values() if name in (r.code, r.name)), None)
        if rule is None:
            unknown.append(f"{where}rules: {complaint(name)}")
        else:
            _check_options(rule, name, options, where)
    if unknown and not _may_be_of_a_plugin(config):
        raise ConfigError(unknown[0])
    for name in config.dialects.values():
        _check_dialect(name, where)
    ignored = [*config.ignore, *(s for group in config.per_file_ignores.values() for s in group)]
    unknown += [f"{where}ignore: {complaint(item)}" for item in ignored if not is_known(item)]
    return unknown


def _may_be_of_a_plugin(config: Config) -> bool:
    if not config.plugins:
        return False
    from lora_lint.engine.plugins import has_unloaded

    return has_unloaded(config)


def _check_dialect(name: str, where: str) -> None:
    from lora_lint.translate.framework import names  # imports yaml: only where a dialect is forced

    if name not in names():
        raise ConfigError(
            f"{where}dialect: no dialect is called {name!r}{did_you_mean(name, names())}"
        )


def _check_options(rule: Rule, name: str, options: Mapping[str, Any], where: str) -> None:
    for key, value in options.items():
        if key not in rule.options:
            known = ", ".join(sorted(rule.options)) or "none"
            raise ConfigError(f"{where}rules.{name}: no option {key!r} (it has: {known})")
        default = rule.options[key]
        if not _fits(value, default):
            kind = type(default).__name__ if not isinstance(default, tuple) else "list of texts"
            raise ConfigError(f"{where}rules.{name}.{key} must be a {kind}, not {value!r}")


def _fits(value: object, default: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, type(default))


def options_for(rule: Rule, config: Config) -> dict[str, Any]:
    """The options that the settings give a rule, over those of the profile."""
    given = PROFILES[config.profile].options.get(rule.code, {})
    if not given and not config.rules:
        return {}
    chosen = {**given, **config.rules.get(rule.code, {}), **config.rules.get(rule.name, {})}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in chosen.items()}
