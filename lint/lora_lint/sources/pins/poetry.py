"""Poetry's way to write requirements (``^4.30``, ``{version = "4.46.3", python = ">=3.10"}``)."""

from __future__ import annotations

from collections.abc import Iterator

from lora_lint.sources.pins.requirement import (
    LIBRARIES,
    Requirement,
    at_reference,
    conditions_of,
    line_of,
    named,
)
from lora_rules.engine._startup.record import lazily

_WILD = lazily(r"\d+(?:\.\d+)*\.\*")
_BARE = lazily(r"v?\d[^\s,]*")


def of_table(table: object, text: str, source: str, *, bare: str = "==") -> Iterator[Requirement]:
    """The requirements of a table from names to constraints.

    Args:
        table: as TOML has it.
        text: the whole file, in which the lines are looked up.
        source: its name.
        bare: what a version without an operator means.
    """
    for name, value in table.items() if isinstance(table, dict) else ():
        library = named(str(name))
        if library in LIBRARIES:
            line = line_of(text, f"\n{name}") + 1
            for entry in value if isinstance(value, list) else [value]:
                found = _entry(library, entry, source, line, bare)
                if found is not None:
                    yield found


def _entry(library: str, entry: object, source: str, line: int, bare: str) -> Requirement | None:
    if isinstance(entry, str):
        conditions = conditions_of(as_pep_440(entry, bare), source, line)
        return None if conditions is None else Requirement(library, conditions)
    if not isinstance(entry, dict):
        return None
    reference = next((entry[key] for key in ("tag", "rev", "ref") if key in entry), None)
    if "git" in entry:
        return at_reference(library, str(reference or ""), source, line)
    found = _entry(library, entry.get("version", "*"), source, line, bare)
    return None if found is None else found._replace(marker=_marker(entry))


def _marker(entry: dict[str, object]) -> str:
    marker, python = entry.get("markers"), entry.get("python")
    if isinstance(marker, str):
        return marker
    conditions = conditions_of(as_pep_440(python, ""), "", 0) if isinstance(python, str) else None
    return " and ".join(f"python_version {op} '{version}'" for op, version, *_ in conditions or ())


def as_pep_440(constraint: str, bare: str = "==") -> str:
    """A constraint in PEP 440's operators; what has no equal (``||``) is left as it is."""
    parts = (part.strip() for part in constraint.split(","))
    return ",".join(_part(part, bare) for part in parts if part not in ("", "*"))


def _part(part: str, bare: str) -> str:
    if part.startswith("^"):
        return _caret(part[1:].strip())
    if part.startswith("~") and not part.startswith("~="):
        return _tilde(part[1:].strip())
    if _WILD.fullmatch(part):
        return f"=={part}"
    if _BARE.fullmatch(part):
        return f"{bare}{part}"
    return part


def _caret(version: str) -> str:
    """Up to the next change of the first number that is not zero: ``^0.3.1`` is below 0.4."""
    numbers = _numbers(version)
    at = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
    return _up_to(version, numbers, at)


def _tilde(version: str) -> str:
    """Up to the next minor version, or major one where only that is given."""
    numbers = _numbers(version)
    return _up_to(version, numbers, min(1, len(numbers) - 1))


def _up_to(version: str, numbers: list[int], at: int) -> str:
    if not numbers:
        return f"?{version}"
    end = [*numbers[:at], numbers[at] + 1]
    return f">={version},<{'.'.join(map(str, end))}"


def _numbers(version: str) -> list[int]:
    parts = version.removeprefix("v").split(".")
    return [int(part) for part in parts] if all(p.isdigit() and len(p) < 9 for p in parts) else []
