"""The folder in which what is known of files is kept between runs."""

from __future__ import annotations

import os

VARIABLE = "LORA_LINT_CACHE_DIR"
"""The environment variable that names the folder."""


def default_folder() -> str:
    """Where entries are kept unless somebody says otherwise: the user's own cache folder.

    Not in the repository, which may come from a stranger, entries included.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return named
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return os.path.join(base or os.path.expanduser("~/.cache"), "lora-lint")
