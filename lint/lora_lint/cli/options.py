"""The options of the check, with their defaults: what ``arguments.py`` fills from a command line.

The defaults stand here and nowhere else, so that ``lora-lint FILE ...``, which is all that a hook
asks for, needs no parser: argparse takes 8 ms to import, where Python takes 11 to start.
"""

from __future__ import annotations


class Options:
    """A command line, as the check sees it."""

    paths: list[str]
    exclude: list[str] | None = None
    force_exclude = False
    stdin_filename: str | None = None
    profile: str | None = None
    select: list[str] | None = None
    extend_select: list[str] | None = None
    ignore: list[str] | None = None
    plugin_file: list[str] | None = None
    no_plugins = False
    min_severity: str | None = None
    fail_on: str | None = None
    pedantic = False
    fix = False
    unsafe_fixes = False
    diff = False
    fix_only = False
    show_fixes = False
    baseline: str | None = None
    write_baseline = False
    since: str | None = None
    add_ignores = False
    reason = ""
    gpu: str | None = None
    gpu_count: int | None = None
    train_rows: int | None = None
    online: bool | None = None
    watch = False
    jobs: int | None = None
    cache = True
    follow = True
    format = "text"
    statistics = False
    quiet = False
    verbose = False
    plugins_loaded = False
    """No option: whether rules of the repository's own are loaded."""

    def __init__(self, *paths: str) -> None:
        """Ask for these paths, and nothing else."""
        self.paths = list(paths)


_PLAIN: dict[str, tuple[str, bool]] = {
    "--force-exclude": ("force_exclude", True),  # what our hook asks for
    "--no-cache": ("cache", False),
    "--no-follow": ("follow", False),
    "--quiet": ("quiet", True),
    "-q": ("quiet", True),
}
"""Options without a value that may come first, and what they set."""


def of_paths(arguments: list[str]) -> Options | None:
    """The options of a command line of paths; ``None`` where argparse has to read it."""
    first = 0
    while first < len(arguments) and arguments[first] in _PLAIN:
        first += 1
    paths = arguments[first:]
    if not paths or any(path.startswith("-") for path in paths):
        return None
    options = Options(*paths)
    for name in arguments[:first]:
        setattr(options, *_PLAIN[name])
    return options
