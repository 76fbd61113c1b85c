"""Writes ``rules/lora_rules/libraries/<name>/names.json``: public names that came or went.

Reads the same wheels as ``build_signatures.py`` with ``ast`` and runs none of them.

    python tools/build_names.py [--wheels FOLDER]

``versions`` are those read, oldest first. Each other row is a qualified name
(``trl.setup_chat_format``, ``trl.trainer.utils.ConstantLengthDataset``) or a module (``trl.core``)
with ``at``: the indices at which it begins, ends, begins again, ...; and ``now``: the module that
offers it as an experiment in the newest version. What every version has is left out, and of
transformers, which has thousands, also what has only been added.
"""

from __future__ import annotations

import argparse
import ast
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from build_signatures import TARGET, VERSIONS, presence
from wheel_source import Wheel, download

PACKAGES = ("trl", "peft", "transformers")
_OF_OTHER_ENGINES = ("TF", "Flax", "Jax")
"""How names begin that no LoRA script uses: of TensorFlow and JAX."""
_FOUND_BY_ANOTHER_NAME = ("Tokenizer", "TokenizerFast", "ImageProcessorFast")
"""How names of transformers end that version 5 still finds, by what took their place."""
_OTHER_MODULES = ("tokenization_utils", "image_processing_utils")
"""How modules of transformers begin that version 5 still finds."""


class Names(NamedTuple):
    """The qualified names of one wheel; of transformers the package's own only."""

    there: set[str]
    """Everything that can be imported."""
    meant: set[str]
    """What a package lists, and its modules: the rest is there by chance, or not for others."""


def public_names(wheel: Wheel) -> Names:
    """The names of a wheel."""
    there: set[str] = set()
    meant: set[str] = set()
    for file in wheel.files():
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        parts = module.split(".")
        hidden = any(part.startswith("_") for part in parts[1:])
        if hidden or {"experimental", "tests"} & set(parts):
            continue
        if wheel.package == "transformers" and len(parts) > 1:
            there.update({module} if len(parts) == 2 else ())
            continue
        tree = wheel.tree(file)
        there.add(module)
        there.update(f"{module}.{name}" for name in _offered(tree))
        if file.endswith("__init__.py"):
            meant.update(f"{module}.{name}" for name in _offered(tree))
        meant.add(module)
    if wheel.package == "transformers":
        there.update(f"transformers.{name}" for name in wheel.listed_names("transformers/models/"))
        meant = there
    return Names(there, {name for name in meant if _is_public(name.rpartition(".")[2])})


def _is_lost(name: str) -> bool:
    last = name.rpartition(".")[2]
    return not last.endswith(_FOUND_BY_ANOTHER_NAME) and not last.startswith(_OTHER_MODULES)


def _is_public(name: str) -> bool:
    """Whether scripts may import it: no table in capitals, which may be filled by a loop."""
    plain = name.isidentifier() and name.isascii() and not name.isupper()
    return plain and not name.startswith(("_", *_OF_OTHER_ENGINES))


def _offered(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.List):
            for item in node.elts:
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    yield item.value
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            yield statement.name
        elif isinstance(statement, ast.Assign):
            yield from (t.id for t in statement.targets if isinstance(t, ast.Name))


def _experiment(newest: Wheel, name: str) -> str:
    """The experimental module that offers a name in the newest version, if one does."""
    last = name.rpartition(".")[2]
    for file in newest.files():
        inside = file.split("/")
        public = inside[1:2] == ["experimental"] and inside[3:] == ["__init__.py"]
        if public and last in set(_offered(newest.tree(file))):
            return ".".join(inside[:3])
    return ""


def build(package: str, folder: Path) -> dict[str, dict[str, object]]:
    """The table of one library."""
    versions = VERSIONS[package].split()
    read: list[Names] = []
    for version in versions:
        newest = Wheel(download(package, version, folder), package)
        read.append(public_names(newest))
        print(package, version, len(read[-1].there))
    rows: dict[str, dict[str, object]] = {"versions": {"read": versions}}
    meant = set().union(*(names.meant for names in read))
    public = {name.rpartition(".")[2] for name in meant}
    for name in sorted(set().union(*(names.there for names in read))):
        if name.rpartition(".")[2] not in public:
            continue
        marks = presence([name in names.there for names in read])
        gone = len(marks) % 2 == 0
        if marks == [0] or (package == "transformers" and not (gone and _is_lost(name))):
            continue
        now = _experiment(newest, name) if gone else ""
        rows[name] = {"at": marks, "now": now} if now else {"at": marks}
    return rows


def main() -> None:
    """Build and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="keep the wheels in this folder")
    folder = parser.parse_args().wheels or Path(tempfile.mkdtemp())
    for package in PACKAGES:
        table = build(package, folder)
        rows = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in table.items()]
        target = TARGET / package / "names.json"
        target.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
        print(f"{target}: {len(rows)} names, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
