"""Environment markers: which requirements can be in force together.

Which machine runs the program is not known, so all usual ones are tried, with every version of
Python that the project allows.
"""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.requirement import Requirement, Statement

PYTHONS = tuple(f"3.{minor}" for minor in range(7, 16))
"""Versions of Python: PEFT's first release needed 3.7."""
_MACHINES = (
    ("linux", "Linux", "posix", "x86_64"),
    ("linux", "Linux", "posix", "aarch64"),
    ("darwin", "Darwin", "posix", "arm64"),
    ("darwin", "Darwin", "posix", "x86_64"),
    ("win32", "Windows", "nt", "AMD64"),
)
MOST = 200
"""Of a file with more markers on our libraries nothing is known."""

Variant = tuple[Requirement, ...]
"""The requirements that are in force in some environment."""


def variants(statement: Statement) -> tuple[Variant, ...]:
    """The sets of requirements that a statement comes to; one, unless markers make several."""
    requirements = statement.requirements
    if not any(each.marker for each in requirements):
        return (requirements,)
    texts = dict.fromkeys(each.marker for each in requirements if each.marker)
    if len(texts) > MOST:
        return ()
    answers = _answers(list(texts), statement.python)
    found = dict.fromkeys(
        tuple(each for each in requirements if answer.get(each.marker, True)) for answer in answers
    )
    return tuple(found)


def _answers(texts: list[str], python: str) -> list[dict[str, bool]]:
    """Whether each marker holds, in every environment."""
    from packaging.markers import (
        InvalidMarker,
        Marker,
        UndefinedComparison,
        UndefinedEnvironmentName,
    )

    markers = {}
    for text in texts:
        try:
            if "extra" not in text:  # who installs an extra gets what it asks for
                markers[text] = Marker(text)
        except (InvalidMarker, RecursionError):
            continue
    answers = []
    for environment in _environments(python):
        answer = {}
        for text, marker in markers.items():
            try:
                answer[text] = marker.evaluate(environment)
            except (UndefinedComparison, UndefinedEnvironmentName, ValueError):
                continue
        answers.append(answer)
    return answers


def _environments(python: str) -> Iterator[dict[str, str]]:
    for version in _pythons(python):
        for platform, system, os_name, machine in _MACHINES:
            yield {
                "implementation_name": "cpython",
                "implementation_version": f"{version}.0",
                "os_name": os_name,
                "platform_machine": machine,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": system,
                "platform_version": "",
                "python_full_version": f"{version}.9",
                "python_version": version,
                "sys_platform": platform,
                "extra": "",
            }


def _pythons(allowed: str) -> tuple[str, ...]:
    """The versions of Python that a project is for."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(allowed)
    except InvalidSpecifier:
        return PYTHONS
    found = tuple(version for version in PYTHONS if f"{version}.9" in specifiers)
    return found or PYTHONS
