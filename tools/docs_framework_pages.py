"""A page a framework: how its files are known, what is read, refused, and by version.

Everything on it comes from the tables: ``keys.yaml``, ``refusals.py``, ``accepted.txt``,
the libraries' ``arguments.json``, the shell reader's programs. A framework without one of them has
no such section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from docs_frameworks import about, rows_of
from lora_lint.read.shell import commands
from lora_lint.translate import framework as dialect
from lora_lint.translate.table import Dialect
from lora_rules.engine.refusals import Refusals
from lora_rules.frameworks.accepted import Accepted, Table, table
from lora_rules.frameworks.registry import refusals_of
from lora_rules.libraries import signatures
from lora_rules.libraries.renamed_options import successor

NOT_A_FRAMEWORK = "generic"
"""The reader of what no table describes."""


def framework_pages() -> Iterator[tuple[str, str]]:
    """Every page: its file's name, and what it says."""
    for name in dialect.names():
        if name != NOT_A_FRAMEWORK:
            yield f"{name}.md", _page(name)


def _page(name: str) -> str:
    known = dialect.load(name)
    title = known.framework if _is_alone(known) else f"{known.framework} (`{name}`)"
    parts = [f"# {title}\n\n{about(name)}\n", _recognised(known), _read(name)]
    parts += [_refused(name), _accepted(name), _by_version(name)]
    return "\n".join(part for part in parts if part)


def _is_alone(known: Dialect) -> bool:
    """Whether no other table is of the same framework."""
    return sum(dialect.load(name).framework == known.framework for name in dialect.names()) == 1


def _recognised(known: Dialect) -> str:
    """The keys that make a file one of its, and the commands that are read."""
    clauses = known.signature if isinstance(known.signature, list) else [known.signature]
    lines = [f"- {_clause(clause)}" for clause in clauses]
    lines += [f"- the command `{command}`" for command in _commands(known.name)]
    text = "A file is read as one of its own, if nothing else claims it first, by:"
    return f"## How it is known\n\n{text}\n\n" + "\n".join(lines) + "\n"


def _clause(clause: Mapping[str, object]) -> str:
    said = []
    for group, words in (
        ("all_of", "{}"),
        ("any_of", "one of {}"),
        ("and_any_of", "and one of {}"),
        ("none_of", "and none of {}"),
    ):
        listed = clause.get(group)
        if isinstance(listed, list) and listed:
            said.append(words.format(", ".join(f"`{each}`" for each in listed)))
    return ", ".join(said)


def _commands(name: str) -> Iterator[str]:
    for (program, use), mine in commands._SUBCOMMANDS.items():
        if mine == name:
            yield f"{program} {use}"
    for script, mine in commands._SCRIPTS.items():
        if mine == name:
            yield f"python {script}"
    for module, mine in commands._MODULES.items():
        if mine == name:
            yield f"python -m {module}"


def _read(name: str) -> str:
    rows, more = rows_of(name)
    if not rows and not more:
        return ""
    head = "## What is read, and what counts where it is absent\n"
    listed = f"\n| setting | key | when it is absent |\n|---|---|---|\n{rows}\n" if rows else ""
    rest = f"\n{more} more settings are read under their own names.\n" if more else ""
    return f"{head}{listed}{rest}"


def _refused(name: str) -> str:
    parts = []
    for refusals in refusals_of(name):
        rows = "\n".join(_refusal_rows(refusals))
        parts.append(
            f"{refusals.moment} Source: {refusals.source}\n\n"
            f"| key | what | what to do |\n|---|---|---|\n{rows}\n"
        )
    if not parts:
        return ""
    return "## What is refused (LL012)\n\n" + "\n".join(parts)


def _refusal_rows(refusals: Refusals) -> Iterator[str]:
    for page in refusals.pages():
        since = f" Since {page.since}." if page.since else ""
        yield f"| `{page.key}` | {_cell(page.says)}{since} | {_cell(page.do)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _accepted(name: str) -> str:
    """The keys whose values are listed; of the others, how many are known."""
    found = table(name)
    if found is None:
        return ""
    rows = "\n".join(_listed_rows(found))
    return (
        f"## Which values are accepted (LL014)\n\n"
        f"Asked of {found.source}: {len(found.keys)} keys. Those with a list of values:\n\n"
        f"| key | values |\n|---|---|\n{rows}\n"
    )


MOST = 16
"""So many values are listed; of more, their number is said."""


def _listed_rows(found: Table) -> Iterator[str]:
    for key in sorted(found.keys):
        takes = found.of(key)
        if takes is not None and takes.values:
            yield f"| `{key}` | {_values(takes)} |"


def _values(takes: Accepted) -> str:
    shown = ", ".join(f"`{_cell(value)}`" for value in takes.values[:MOST])
    more = len(takes.values) - MOST
    return shown + (f" and {more} more" if more > 0 else "")


def _by_version(name: str) -> str:
    """Keys that are gone, with what took their place; then those that came, by version."""
    programs = dialect.load(name).table.programs
    if not programs:
        return ""
    newest = frozenset().union(*map(signatures.fields, programs))
    gone: list[str] = []
    came: dict[str, list[str]] = {}
    for key in sorted(frozenset().union(*map(signatures.every_field, programs))):
        owner = next(each for each in programs if key in signatures.every_field(each))
        if signatures.parent(owner) is not None and signatures.owner(owner, key) != owner:
            continue  # dated by another library's versions
        left, begun = signatures.removed(owner, key), signatures.introduced(owner, key)
        if left and key not in newest:
            instead = successor(owner, key, newest)
            gone.append(f"| `{key}` | {left} | {_cell(instead.advice) if instead else ''} |")
        elif begun:
            came.setdefault(begun, []).append(f"`{key}`")
    newer = "\n".join(f"| {version} | {', '.join(came[version])} |" for version in came_in(came))
    read = ", ".join(signatures.versions(programs[0]))
    return (
        f"## By version (LL001)\n\nRead: {read}.\n\n"
        "| key that is gone | since | in its place |\n|---|---|---|\n" + "\n".join(gone) + "\n\n"
        f"| version | keys that came with it |\n|---|---|\n{newer}\n"
    )


def came_in(came: Mapping[str, list[str]]) -> list[str]:
    """The versions in their order."""
    return sorted(came, key=lambda version: [part.zfill(9) for part in version.split(".")])
