"""Finds how a framework or trainer of a name behaves, and takes frameworks that a plugin brings.

Only the folder of that name is looked into, and only the module that is asked for is imported.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module

from lora_rules.engine._startup.typed import TYPE_CHECKING, Any
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from types import ModuleType

    from lora_rules.engine.launch import LaunchBehaviour
    from lora_rules.engine.refusals import Refusals
    from lora_rules.engine.trainer import TrainerBehaviour

_ROOT = os.path.dirname(os.path.dirname(__file__))
_PACKAGES = ("frameworks", "libraries")


added: dict[str, list[Any]] = {}
"""The documents of ``keys.yaml`` of every framework of a plugin, by name."""
_folders: dict[str, str] = {}
"""Their folders."""


@cache
def behaviour_of(name: str, label: str = "") -> Behaviour:
    """How a framework behaves; the defaults, if it has no ``behaviour.py``.

    Args:
        name: as recipes give it (``Recipe.dialect``): the folder's name, with ``-`` for ``_``.
        label: what messages call it, if its reader says so.
    """
    module = _module(name, "behaviour")
    made: type[Behaviour] = Behaviour if module is None else module.Framework
    return made(name, label)


@cache
def trainer_named(name: str) -> TrainerBehaviour:
    """How a trainer behaves.

    Raises:
        KeyError: if nobody has looked at how it trains.
    """
    module = _module(name, "trainer")
    if module is None:
        raise KeyError(name)
    made: type[TrainerBehaviour] = module.Trainer
    return made(name)


def refusals_of(name: str) -> tuple[Refusals, ...]:
    """What is refused in a file of a framework."""
    module = _module(name, "refusals")
    refusals: tuple[Refusals, ...] = () if module is None else getattr(module, "REFUSALS", ())
    return refusals


def launch_of(name: str) -> LaunchBehaviour | None:
    """How a framework is started; ``None`` if nobody has looked."""
    module = _module(name, "launch")
    made: type[LaunchBehaviour] | None = None if module is None else module.Launch
    return None if made is None else made()


def _module(name: str, part: str) -> ModuleType | None:
    """A module of a framework or else of a library, if it is there.

    Args:
        name: the framework's or trainer's.
        part: ``behaviour``, ``trainer``, ``launch`` or ``refusals``.
    """
    if name in added:
        path = os.path.join(_folders[name], f"{part}.py")
        return _import_file(name, part, path) if os.path.exists(path) else None
    folder = name.replace("-", "_")
    for package in _PACKAGES:
        if folder.isidentifier() and os.path.exists(
            os.path.join(_ROOT, package, folder, f"{part}.py")
        ):
            return import_module(f"lora_rules.{package}.{folder}.{part}")
    return None


def _import_file(name: str, part: str, path: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(f"lora_rules_plugin_{name.replace('-', '_')}_{part}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def register_framework(folder: str | os.PathLike[str]) -> None:
    """Add a framework from its folder: ``keys.yaml``, and ``behaviour.py`` if it has one.

    Its name is the folder's, with ``-`` for ``_``. To be called by a plugin while it is imported.

    Raises:
        ValueError: if the folder has no table, its name is taken, the table is not one, or the
            behaviour has what no behaviour has.
    """
    path = os.path.realpath(folder)
    name = os.path.basename(path).replace("_", "-")
    if _folders.get(name, path) != path or _is_ours(name):
        raise ValueError(f"{path}: a framework of the name {name} is there already")
    found = _documents(os.path.join(path, "keys.yaml"))
    _find_own_lists(found[1], os.path.join(path, "known_keys"))
    added[name], _folders[name] = found, path
    behaviour_of.cache_clear()
    trainer_named.cache_clear()
    own = type(behaviour_of(name))  # looked at now: whose fault it is, is clear
    if wrong := strange_attributes(own, Behaviour):
        raise ValueError(f"{path}: {wrong[0]}")


def strange_attributes(own: type, base: type) -> list[str]:
    """A sentence for every public attribute of a class that its interface does not have."""
    known = [*dir(base), *base.__annotations__]
    return [
        f"a {base.__name__} has no {each}{_nearest(each, known)}"
        for each in vars(own)
        if not each.startswith("_") and each not in known
    ]


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, known, 1)
    return f"; did you mean {found[0]}?" if found else ""


def _find_own_lists(content: dict[str, Any], folder: str) -> None:
    """Let ``known_keys`` and ``verbatim`` name files of the plugin's own folder."""
    for section in ("known_keys", "verbatim"):
        lists = content.get(section, {})
        for name in list(lists):
            own = os.path.join(folder, name)
            if os.path.exists(f"{own}.txt"):
                lists[own] = lists.pop(name)


def _is_ours(name: str) -> bool:
    folder = name.replace("-", "_")
    return any(os.path.isdir(os.path.join(_ROOT, package, folder)) for package in _PACKAGES)


def _documents(path: str) -> list[Any]:
    import yaml

    try:
        with open(path, "rb") as file:
            found = list(yaml.safe_load_all(file))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    if len(found) != 2 or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{path}: is not two documents, each a mapping")
    for key in ("framework", "signature"):
        if key not in found[0]:
            raise ValueError(f"{path}: its first document has no {key}")
    return found
