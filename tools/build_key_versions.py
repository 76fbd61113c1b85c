"""Writes ``frameworks/<name>/versions.json``: the keys of a framework that came or went.

Reads the framework's wheels with ``ast`` and runs none of them: every annotated field of a class
below its folder of arguments, but those that no caller may set.

    python tools/build_key_versions.py llamafactory [--wheels FOLDER]

``versions`` are those read, oldest first; a key has ``at``, the indices at which it begins, ends,
begins again. What every version has is left out.
"""

from __future__ import annotations

import argparse
import ast
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from build_signatures import presence
from wheel_source import Wheel, download

FRAMEWORKS = Path(__file__).parent.parent / "rules" / "lora_rules" / "frameworks"


class Read(NamedTuple):
    """Where a framework's keys stand."""

    folder: str
    versions: tuple[str, ...]


READ = {
    "llamafactory": Read(
        "llamafactory/hparams/",
        (
            *("0.7.1", "0.8.0", "0.8.1", "0.8.2", "0.8.3"),
            *("0.9.0", "0.9.1", "0.9.2", "0.9.3", "0.9.4", "0.9.5"),
        ),
    ),
}


def keys(wheel: Wheel, folder: str) -> set[str]:
    """The fields of all classes of the folder."""
    files = (file for file in wheel.files() if file.startswith(folder))
    return {name for file in files for name in _fields(wheel.tree(file))}


def _fields(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            is_field = isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            if is_field and "init=False" not in ast.unparse(each):
                yield each.target.id


def table(name: str, wheels: Path) -> str:
    """The text of a framework's file."""
    read = READ[name]
    found = [
        keys(Wheel(download(name, version, wheels), name), read.folder) for version in read.versions
    ]
    rows = {key: presence([key in each for each in found]) for key in set().union(*found)}
    lines = [
        f"{json.dumps(key)}:{json.dumps({'at': at}, separators=(',', ':'))}"
        for key, at in sorted(rows.items())
        if at != [0]
    ]
    versions = json.dumps({"all": list(read.versions)}, separators=(",", ":"))
    return '{\n"versions":' + versions + ',\n"keys":{\n' + ",\n".join(lines) + "\n}\n}\n"


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framework", choices=sorted(READ))
    parser.add_argument("--wheels", type=Path, help="a folder that keeps them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = table(options.framework, options.wheels or Path(folder))
    (FRAMEWORKS / options.framework / "versions.json").write_text(text)


if __name__ == "__main__":
    main()
