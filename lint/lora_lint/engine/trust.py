"""Whose code may run: which plugins that the settings name are loaded.

Settings come with the repository that is linted, which may be a stranger's. So a name in them
loads what is installed, and a path loads nothing, unless the user says so: with ``--plugin-file``,
or in settings of the user's own, outside the repository::

    # ~/.config/lora-lint/lora-lint.toml
    plugins = ["~/rules/house.py"]     # loaded wherever lora-lint runs
    trust = ["~/work/our-repository"]  # plugin files below it load when its settings name them

Nothing else may stand there: what is found in a file does not depend on the machine.
"""

from __future__ import annotations

import os

from lora_lint.engine.config import (
    ConfigError,
    did_you_mean,
    is_plugin_file,
    repository,
    root_settings,
    user_file,
)
from lora_rules.engine._startup.typed import NamedTuple

KEYS = ("plugins", "trust")


class Plugins(NamedTuple):
    """What to load, and what not."""

    load: tuple[str, ...] = ()
    """Files, and names of entry points."""
    refused: tuple[str, ...] = ()
    """Files that the repository's settings name, and that nobody else vouches for."""
    origin: str = ""
    """The settings that name those."""


class UserSettings(NamedTuple):
    """The user's own."""

    plugins: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()


def plugins(named: tuple[str, ...] = ()) -> Plugins:
    """The plugins of a run.

    Args:
        named: the files that the command line names.

    Raises:
        ConfigError: if settings are broken.
    """
    config = root_settings()
    user = user_settings()
    by_path = [plugin for plugin in config.plugins if is_plugin_file(plugin)]
    wanted = {_real(path) for path in named}
    refused = {
        path: _real(path)
        for path in by_path
        if _real(path) not in wanted and not _is_trusted(path, user)
    }
    load = (*user.plugins, *(each for each in config.plugins if each not in refused), *named)
    return Plugins(
        tuple(dict.fromkeys(load)), tuple(dict.fromkeys(refused.values())), config.origin
    )


def warning(found: Plugins) -> str:
    """What to tell about plugins that are not loaded."""
    files = ", ".join(os.path.relpath(path) for path in found.refused)
    options = " ".join(f"--plugin-file {os.path.relpath(path)}" for path in found.refused)
    are, they = ("is", "it is a file") if len(found.refused) == 1 else ("are", "they are files")
    return (
        f"{found.origin}: the plugin {files} {are} not loaded: {they} of the repository, whose "
        f"code runs only if you say so: with {options}, or with trust in {user_file()}"
    )


def _is_trusted(plugin: str, user: UserSettings) -> bool:
    real = _real(plugin)
    return any(real.startswith(os.path.join(_real(folder), "")) for folder in user.trust)


def _real(path: str) -> str:
    return os.path.realpath(path)


def user_settings() -> UserSettings:
    """The user's own settings; none if the file lies in the repository that we run in.

    Raises:
        ConfigError: if they are broken.
    """
    file = user_file()
    if not os.path.isfile(file) or _real(file).startswith(os.path.join(_real(repository()), "")):
        return UserSettings()
    import tomllib

    try:
        with open(file, "rb") as stream:
            table = tomllib.load(stream)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    for key, value in table.items():
        if key not in KEYS:
            raise ConfigError(
                f"{file}: only {' and '.join(KEYS)} may stand in settings outside a repository, "
                f"not {key!r}{did_you_mean(key, KEYS)}"
            )
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{file}: {key} must be a list of texts, not {value!r}")
    folder = os.path.dirname(file)
    named = (
        _below(folder, each) if is_plugin_file(each) else each for each in table.get("plugins", ())
    )
    trust = (_below(folder, each) for each in table.get("trust", ()))
    return UserSettings(tuple(named), tuple(trust))


def _below(folder: str, name: str) -> str:
    return os.path.join(folder, os.path.expanduser(name))
