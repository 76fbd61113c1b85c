"""A model's ``config.json`` beyond the packaged table: the hub's cache on disk, and the hub itself.

The cache is read as huggingface_hub lays it out (``models--<org>--<name>``, ``refs/main`` with a
commit, ``snapshots/<commit>``), without that library. The network is met only when the command
line says ``--online``, and then through the library, which knows tokens, mirrors and proxies.
"""

from __future__ import annotations

import os
from functools import cache

from lora_lint.sources.files import Files
from lora_rules.engine._startup.record import lazily
from lora_rules.engine.unknown import Unknown

_ID = lazily(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_COMMIT = lazily(r"[0-9a-f]{40}")


def is_hub_id(model: str) -> bool:
    """Whether a model's name can be one of the hub: ``org/name``, or ``name`` alone."""
    return bool(_ID.fullmatch(model)) and "--" not in model and ".." not in model


def cached_folder(model: str, files: Files) -> str | None:
    """The folder of the model's newest snapshot in the cache, if its ``config.json`` is there."""
    if not is_hub_id(model):
        return None
    root = os.path.join(_cache_folder(), f"models--{model.replace('/', '--')}")
    try:
        with open(files.note(os.path.join(root, "refs", "main")), encoding="ascii") as file:
            commit = file.read(64).strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not _COMMIT.fullmatch(commit):
        return None
    folder = os.path.join(root, "snapshots", commit)
    return folder if os.path.isfile(files.note(os.path.join(folder, "config.json"))) else None


def _cache_folder() -> str:
    """Where huggingface_hub keeps what it downloads (its ``constants.py``)."""
    environment = os.environ
    named = environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return os.path.expanduser(named)
    base = environment.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    home = environment.get("HF_HOME") or os.path.join(base, "huggingface")
    return os.path.join(os.path.expanduser(home), "hub")


def downloaded_folder(model: str) -> str:
    """The folder that holds the model's ``config.json``, fetched from the hub.

    Raises:
        Unknown: if it cannot be had, with the reason.
    """
    if not is_hub_id(model):
        raise Unknown(f"{model!r} is neither a folder with a config.json nor an id of the hub")
    folder, why = _download(model)
    if why:
        raise Unknown(why)
    return folder


@cache
def _download(model: str) -> tuple[str, str]:
    """The folder, or why there is none: asked once in a run."""
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError:
        return "", "--online needs huggingface_hub: pip install huggingface_hub"
    try:
        return os.path.dirname(hf_hub_download(model, "config.json")), ""
    except errors.GatedRepoError:
        return "", f"{model} is gated on the hub: accept its licence there, then `hf auth login`"
    except errors.RepositoryNotFoundError:
        return "", f"the hub has no model {model!r}, or this login may not see it"
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        return "", f"the hub cannot be reached for {model!r}, and its cache has no config.json"
    except errors.EntryNotFoundError:
        return "", f"{model} has no config.json on the hub"
    except (errors.HfHubHTTPError, errors.HFValidationError, OSError) as problem:
        return "", f"the hub did not give {model}'s config.json: {_first_line(problem)}"


def _first_line(problem: Exception) -> str:
    lines = str(problem).splitlines()
    return lines[0] if lines else type(problem).__name__
