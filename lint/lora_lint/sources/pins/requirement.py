"""One requirement (``transformers[torch]>=4.40,<5; python_version >= "3.10"``) and its conditions.

Plain ones are read here; ``packaging`` is asked about versions that are more than numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lora_rules.engine._startup.record import lazily
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.version_range import COMMIT, Conditions, Specifier

LIBRARIES = (
    "peft",
    "transformers",
    "trl",
    "bitsandbytes",
    "openrlhf",
    "llamafactory",
    "ms-swift",
    "torchtune",
    "autotrain-advanced",
    "verl",
    "axolotl",
    "litgpt",
    "ludwig",
    "nemo-automodel",
    "oumi",
)
"""The libraries and frameworks whose versions rules ask for."""
LONGEST = 4096
"""Characters of a requirement; a longer line is none."""
LONGEST_VERSION = 64

NAMES = "|".join(LIBRARIES).replace("-", "[-_.]")
"""A pattern for any of them, as PyPI lets their names be written."""
_MENTION = lazily(rf"\b(?:{NAMES})\b", 2)  # re.IGNORECASE
_NAMED = lazily(rf"\s*({NAMES})\s*(?:\[[^\]]*\])?\s*(?=[(=~!<>@;]|$)(.*)", 2)
_CONDITION = lazily(r"(===|==|~=|!=|<=|>=|<|>)\s*v?([^\s,;()]+)")
_PLAIN = lazily(r"\d+(?:\.\d+)*")
_RELEASE = lazily(r"v?(\d+(?:\.\d+)+(?:\.?(?:a|b|rc|post|dev)\d+)?)(?:-release)?")
_GIT = lazily(rf"(?:git\+)?[^\s'\"]*/({NAMES})(?:\.git)?(?:/?@([^\s'\"#&]+))?(?:[#&]\S*)?\s*$", 2)
_WHEEL = lazily(rf"\S*/({NAMES})-(\d[^-/\s]*?)(?:-\S*\.whl|\.tar\.gz|\.zip)(?:#\S*)?\s*$", 2)
_ARCHIVE = lazily(rf"\S*/({NAMES})/archive/(?:refs/tags/)?([^/\s]+?)(?:\.tar\.gz|\.zip)\s*$", 2)
_OWNER = lazily(r"github\.com[/:]([\w.-]+)/", 2)
OWNERS = frozenset(
    {
        "huggingface",
        "lvwerra",
        "timdettmers",
        "bitsandbytes-foundation",
        "hiyouga",
        "modelscope",
        "pytorch",
        "meta-pytorch",
        "volcengine",
        "verl-project",
    }
)
"""Whose repositories of that name are the libraries themselves."""
_HASH = lazily(r"[0-9a-f]{7,40}")


class Requirement(NamedTuple):
    """What is asked of one library."""

    library: str
    conditions: Conditions
    """None: any version will do."""
    marker: str = ""
    """The environment in which it counts, as PEP 508 writes it."""
    newest: bool = False
    """The newest version is asked for, whatever else is required (``pip install -U peft``)."""


class Statement(NamedTuple):
    """What is installed together, as one file or one part of it says."""

    source: str
    """The file, as a message names it."""
    requirements: tuple[Requirement, ...]
    python: str = ""
    """The versions of Python that it is for (``>=3.10``)."""
    lock: bool = False
    """It holds every library that is installed."""
    optional: bool = False
    """It is for one purpose, beside what is always installed: ``requirements-dev.txt``."""


def mentions(text: str) -> bool:
    """Whether a text names a library that we look for."""
    return _MENTION.search(text) is not None


def parse(text: str, source: str, line: int = 0) -> Requirement | None:
    """What a requirement asks of a library of ours; ``None`` of all others."""
    if len(text) > LONGEST or not mentions(text):
        return None
    match = _NAMED.match(text)
    if match is None:
        return from_url(text, source, line)
    rest, _, marker = _without_options(match[2]).partition(";")
    rest = rest.strip()
    if rest.startswith("@"):
        url = rest[1:].strip()
        at_url = from_url(url, source, line)
        if at_url is None and "git+" in url:
            at_url = _forked(match[1], "", source, line)  # a fork may be called anything
        return at_url._replace(marker=marker.strip()) if at_url else None
    conditions = conditions_of(rest.strip("() "), source, line)
    if conditions is None:
        return None
    return Requirement(named(match[1]), conditions, marker.strip())


def _without_options(text: str) -> str:
    """Without ``--hash=...``, the comment and the backslash that may follow."""
    return text.split(" #")[0].split(" --")[0].rstrip("\\").rstrip()


def from_url(url: str, source: str, line: int) -> Requirement | None:
    """What ``git+https://.../peft@v0.10.0``, a wheel's or an archive's address ask for."""
    match = _WHEEL.match(url) or _ARCHIVE.match(url)
    if match is not None:
        return at_reference(match[1], match[2], source, line)
    match = _GIT.match(url.split(";")[0]) if "git" in url else None
    if match is None:
        return None
    owner = _OWNER.search(url)
    if owner is not None and owner[1].lower() not in OWNERS:
        return _forked(match[1], match[2] or "", source, line)
    return at_reference(match[1], match[2] or "", source, line)


def _forked(library: str, reference: str, source: str, line: int) -> Requirement:
    """Somebody's copy of a library, which follows no release unless it is at a tag."""
    tagged = at_reference(library, reference, source, line)
    commit = Specifier(COMMIT, reference or "a fork", source, line)
    return tagged if tagged.conditions else Requirement(named(library), (commit,))


def at_reference(library: str, reference: str, source: str, line: int) -> Requirement:
    """A tag is a version and a hash a commit; a branch moves on with the newest."""
    library = named(library)
    release = _RELEASE.fullmatch(reference.removeprefix("refs/").removeprefix("tags/"))
    if release is not None and is_version(release[1]):
        return Requirement(library, (Specifier("==", release[1], source, line),))
    if _HASH.fullmatch(reference):
        return Requirement(library, (Specifier(COMMIT, reference, source, line),))
    return Requirement(library, ())


def conditions_of(text: str, source: str, line: int) -> Conditions | None:
    """``>=4.30,<5`` as conditions; ``None`` if it is not that."""
    found = []
    for part in text.split(",") if text else ():
        if not part.strip():
            continue
        match = _CONDITION.fullmatch(part.strip())
        specifier = _specifier(match[1], match[2], source, line) if match else None
        if specifier is None:
            return None
        found.append(specifier)
    return tuple(found)


def _specifier(operator: str, version: str, source: str, line: int) -> Specifier | None:
    if len(version) > LONGEST_VERSION:
        return None
    version = version.partition("+")[0]  # a build of that version, as in 2.1.0+cu121
    operator = "==" if operator == "===" else operator
    plain = version.removesuffix(".*") if operator in ("==", "!=") else version
    if not _PLAIN.fullmatch(plain) or (operator == "~=" and "." not in plain):
        from packaging.specifiers import InvalidSpecifier
        from packaging.specifiers import Specifier as Checked

        try:
            version = Checked(operator + version).version
        except InvalidSpecifier:
            return None
    return Specifier(operator, version, source, line)


def is_version(text: str) -> bool:
    """Whether PEP 440 knows this as a version."""
    if len(text) > LONGEST_VERSION:
        return False
    if _PLAIN.fullmatch(text):
        return True
    from packaging.version import InvalidVersion, Version

    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def exact(library: str, version: str, source: str, line: int) -> Requirement | None:
    """A requirement of one version, as lock files have them."""
    specifier = _specifier("==", version.strip().removeprefix("v"), source, line)
    return Requirement(named(library), (specifier,)) if specifier else None


def named(written: str) -> str:
    """A library's name however it is written: PyPI knows ``MS_Swift`` as ``ms-swift``."""
    return written.lower().replace("_", "-").replace(".", "-")


def known(found: Iterable[Requirement | None]) -> Iterator[Requirement]:
    """Those that are about a library of ours."""
    return (each for each in found if each is not None)


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines that name a library, with their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        if mentions(line):
            yield number, line


def line_of(text: str, wanted: str) -> int:
    """The first line that holds a text; 0 if none does."""
    at = text.find(wanted)
    return text.count("\n", 0, at) + 1 if at >= 0 else 0
