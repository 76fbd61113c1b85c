"""What the user set: ``[tool.lora-lint]`` in the nearest pyproject.toml, or lora-lint.toml.

The nearest file wins, from the linted file's folder upwards; nothing is merged. The TOML parser
is imported only when a file that mentions us is found.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from lora_rules.engine._startup.typed import Any, NamedTuple

SEVERITIES = ("info", "warning", "error")
PROFILE_NAMES = ("default", "classic", "modern", "qlora", "rl", "ci")
"""Of :mod:`lora_lint.engine.profiles`, which is not imported to read settings."""


class ConfigError(Exception):
    """A setting that cannot be used; the text names the file, the key and what to do."""


class Config(NamedTuple):
    """The settings in force for a file."""

    root: str = "."
    """The folder that patterns are relative to."""
    origin: str = ""
    """The file that the settings come from; empty for the defaults."""
    select: tuple[str, ...] = ("ALL",)
    ignore: tuple[str, ...] = ()
    fail_on: str = "warning"
    min_severity: str = "warning"
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    pedantic: bool = False
    follow: bool = True
    """Whether names are followed into other files of the repository."""
    per_file_ignores: Mapping[str, tuple[str, ...]] = {}
    dialects: Mapping[str, str] = {}
    """Pattern of a path to the dialect to read it in."""
    rules: Mapping[str, Mapping[str, Any]] = {}
    """A rule's name or code to its options."""
    declared: Mapping[str, Any] = {}
    """``gpu``, ``gpu_count``, ``train_rows``, ``serve``, ``model_name_or_path``."""
    baseline: str = ""
    """The file that counts the findings to say nothing of."""
    plugins: tuple[str, ...] = ()
    """Files with rules of the repository's own, and entry points of installed packages."""
    profile: str = "default"
    """A name of :mod:`lora_lint.engine.profiles`."""


DECLARATIONS: Mapping[str, tuple[str, type]] = {
    "gpu": ("gpu", str),
    "gpu-count": ("gpu_count", int),
    "train-rows": ("train_rows", int),
    "model": ("model_name_or_path", str),
    "serve": ("serve", str),
    "task": ("task", str),
}
"""What may be declared beside a recipe: the key, the setting that it becomes, its type."""

_LISTS = ("select", "extend-select", "ignore", "exclude", "plugins")
_TEXTS = ("baseline",)
_FLAGS = ("force-exclude", "pedantic", "follow")
_LEVELS = ("fail-on", "min-severity")
_TABLES = ("per-file-ignores", "rules")
KEYS = (*_LISTS, *_TEXTS, *_FLAGS, *_LEVELS, *_TABLES, "dialect", "profile", *DECLARATIONS)

OWN_FILES = ("lora-lint.toml", ".lora-lint.toml")
FILES = frozenset({*OWN_FILES, "pyproject.toml"})
"""The names of all files that may hold settings."""
_OUR_TABLE = (b"tool.lora-lint", b'tool."lora-lint"')
"""One of these stands in a pyproject.toml that has our table: others are not even parsed."""

_cache: dict[str, Config] = {}


def for_folder(folder: str) -> Config:
    """The settings in force for files in a folder.

    Raises:
        ConfigError: if the nearest settings file is broken.
    """
    folder = os.path.abspath(folder or ".")
    if folder not in _cache:
        parent = os.path.dirname(folder)
        own = _read_folder(folder)
        _cache[folder] = own or (for_folder(parent) if parent != folder else Config())
    return _cache[folder]


def has_none_of_its_own(folder: str) -> None:
    """Remember of a folder, by its absolute path, that it was just listed and has no such file."""
    if folder not in _cache:
        parent = os.path.dirname(folder)
        above = _cache.get(parent)
        _cache[folder] = for_folder(parent) if above is None else above


def repository() -> str:
    """The root of the repository that we run in; without git, this folder."""
    folder = os.getcwd()
    return repository_of(os.path.join(folder, "file")) or folder


def repository_of(path: str) -> str | None:
    """The folder of the git repository that a file stands in, absolute; ``None`` outside of one."""
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def user_file() -> str:
    """Where settings of the user's own are, outside any repository; they need not be there."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):
        base = os.environ.get("APPDATA", "") if os.name == "nt" else ""
    return os.path.join(base or os.path.expanduser("~/.config"), "lora-lint", OWN_FILES[0])


def is_plugin_file(plugin: str) -> bool:
    """Whether a plugin is named by its path, as opposed to an entry point."""
    return plugin.endswith(".py") or "/" in plugin or os.sep in plugin


def root_settings() -> Config:
    """The settings at the root of the repository that we run in; without git, of this folder."""
    folder = repository()
    config = for_folder(folder)
    return config if os.path.realpath(config.root) == os.path.realpath(folder) else Config()


def _read_folder(folder: str) -> Config | None:
    for name in OWN_FILES:
        own = os.path.join(folder, name)
        if os.path.isfile(own):
            return load(own)
    shared = os.path.join(folder, "pyproject.toml")
    if os.path.isfile(shared) and any(name in _bytes(shared) for name in _OUR_TABLE):
        return load(shared)
    return None


def has_settings(folder: str) -> str:
    """The settings file of a folder itself; empty if it has none.

    Raises:
        ConfigError: if it is broken.
    """
    config = _read_folder(os.path.abspath(folder))
    return os.path.basename(config.origin) if config is not None else ""


def _bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None


def load(path: str) -> Config | None:
    """Read one settings file; ``None`` if it is a pyproject.toml without our table.

    Raises:
        ConfigError: if it does not parse, or holds a key or value that we do not know.
    """
    import tomllib

    try:
        document = tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None
    table: Any = document
    if os.path.basename(path) == "pyproject.toml":
        table = document.get("tool", {}).get("lora-lint")
        if table is None:
            return None
    return from_table(table, path)


def from_table(table: Mapping[str, Any], path: str) -> Config:
    """The settings that a TOML table holds.

    Raises:
        ConfigError: for a key or value that we do not know.
    """
    for key, value in table.items():
        _check(key, value, path)
    rules = {
        name: _options(name, options, path) for name, options in table.get("rules", {}).items()
    }
    dialect = table.get("dialect", {})
    return Config(
        root=os.path.dirname(os.path.abspath(path)),
        origin=path,
        select=(*table.get("select", ("ALL",)), *table.get("extend-select", ())),
        ignore=tuple(table.get("ignore", ())),
        fail_on=table.get("fail-on", "warning"),
        min_severity=table.get("min-severity", "warning"),
        exclude=tuple(table.get("exclude", ())),
        force_exclude=table.get("force-exclude", False),
        pedantic=table.get("pedantic", False),
        follow=table.get("follow", True),
        per_file_ignores={
            pattern: tuple(codes) for pattern, codes in table.get("per-file-ignores", {}).items()
        },
        dialects={"**": dialect} if isinstance(dialect, str) else dialect,
        rules=rules,
        declared={
            setting: table[key] for key, (setting, _type) in DECLARATIONS.items() if key in table
        },
        baseline=_below(path, table.get("baseline", "")),
        profile=table.get("profile", "default"),
        plugins=tuple(
            _below(path, plugin) if is_plugin_file(plugin) else plugin
            for plugin in table.get("plugins", ())
        ),
    )


def _below(path: str, file: str) -> str:
    """A file that a settings file names: relative to that file's folder."""
    return os.path.join(os.path.dirname(path), file) if file else ""


def _check(key: str, value: object, path: str) -> None:
    if key not in KEYS:
        raise ConfigError(f"{path}: unknown key {key!r}{did_you_mean(key, KEYS)}")
    complaint = _complaint(key, value)
    if complaint:
        raise ConfigError(f"{path}: {key} must be {complaint}, not {value!r}")


def _complaint(key: str, value: object) -> str:
    """What the value of a key has to be, if it is not."""
    fits, wanted = True, ""
    if key in _LISTS:
        fits, wanted = _is_texts(value), "a list of texts"
    elif key in _TEXTS:
        fits, wanted = isinstance(value, str) and bool(value), "a text"
    elif key in _FLAGS:
        fits, wanted = isinstance(value, bool), "true or false"
    elif key in _LEVELS:
        fits, wanted = value in SEVERITIES, f"one of {', '.join(SEVERITIES)}"
    elif key == "profile":
        fits, wanted = value in PROFILE_NAMES, f"one of {', '.join(PROFILE_NAMES)}"
    elif key == "per-file-ignores":
        fits = isinstance(value, dict) and all(_is_texts(codes) for codes in value.values())
        wanted = "a table of pattern and list of rules"
    elif key == "rules":
        fits, wanted = isinstance(value, dict), "a table of rules"
    elif key == "dialect":
        fits = isinstance(value, str) or _is_text_table(value)
        wanted = "a dialect's name, or a table of pattern and name"
    else:
        fits, wanted = _fits_declaration(value, DECLARATIONS[key][1])
    return "" if fits else wanted


def _fits_declaration(value: object, kind: type) -> tuple[bool, str]:
    if kind is str:
        return isinstance(value, str), "a text"
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return whole, "a whole number of at least 1"


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _options(name: str, options: object, path: str) -> Mapping[str, Any]:
    if not isinstance(options, dict):
        raise ConfigError(f"{path}: rules.{name} must be a table of options")
    return {key.replace("-", "_"): value for key, value in options.items()}


def did_you_mean(word: str, known: object) -> str:
    """``; did you mean 'x'?``, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)  # type: ignore[call-overload]
    return f"; did you mean {close[0]!r}?" if close else ""


def matches(path: str, pattern: str, root: str) -> bool:
    """Whether a path fits a pattern of the settings.

    A pattern is compared with the path below ``root``, with each folder above the file, and with
    the bare file name, so that ``build``, ``configs/*.yaml`` and ``*.ipynb`` all do what they say.
    """
    from fnmatch import fnmatch

    relative = os.path.relpath(os.path.abspath(path), root).replace(os.sep, "/")
    pattern = pattern.rstrip("/").removeprefix("./")
    parts = relative.split("/")
    prefixes = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    return (
        pattern == "**"
        or any(fnmatch(prefix, pattern) for prefix in prefixes)
        or any(fnmatch(part, pattern) for part in parts)
        or fnmatch("/" + relative, pattern.replace("**/", "*/"))
    )
