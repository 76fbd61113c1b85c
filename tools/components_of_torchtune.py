"""What torchtune's configurations can name as ``_component_``, and the arguments of each.

Read from a wheel with ``ast``: every function, class and ``partial(...)`` that a public module
defines, or a package imports into its ``__init__``, under its dotted path.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from read_signature import Signature, read_class, read_parameters
from wheel_source import Wheel

Node = ast.FunctionDef | ast.ClassDef | ast.Assign
_ROUNDS = 6
"""So many imports are followed from a name to what defines it."""


def components(wheel: Wheel) -> dict[str, Signature]:
    """By dotted path below the package, what every public name of a wheel can be given.

    The first is none: it is there in every version, and so lists them.
    """
    found: dict[str, Signature] = {}
    modules = {_module(file) for file in wheel.files()}
    for file in wheel.files():
        module = _module(file)
        if any(part.startswith("_") for part in module.split(".")) or ".tests" in module:
            continue
        for name in _public_names(wheel.tree(file)):
            if f"{module}.{name}" not in modules:
                found[f"{module}.{name}".partition(".")[2]] = _signature(wheel, file, name)
    return {"versions": Signature(), **dict(sorted(found.items()))}


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _public_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            names = [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def _signature(wheel: Wheel, file: str, name: str) -> Signature:
    found = _defined(wheel, file, name, _ROUNDS)
    if found is None:
        return Signature(open=True)  # another package's, whose arguments are not read here
    where, node = found
    if isinstance(node, ast.ClassDef):
        read = _plain(read_class(wheel, node.name, where) or Signature())
        read.open = read.open or not read.fields  # a class without a constructor of its own
        return read
    if isinstance(node, ast.FunctionDef):
        return _plain(read_parameters(wheel, where, node))
    wrapped = _wrapped(node)
    return _signature(wheel, where, wrapped) if wrapped else Signature(open=True)


def _plain(signature: Signature) -> Signature:
    """Without defaults and enumerations, which nobody asks for."""
    signature.fields = dict.fromkeys(signature.fields)
    signature.choices, signature.positional = {}, []
    return signature


def _wrapped(node: ast.Assign) -> str:
    """The function that ``qlora_x = partial(lora_x, quantize_base=True)`` calls."""
    match node.value:
        case ast.Call(func=ast.Name(id="partial"), args=[ast.Name(id=name), *_]):
            return name
    return ""


def _defined(wheel: Wheel, file: str, name: str, rounds: int) -> tuple[str, Node] | None:
    """Where a name of a file is defined, through imports within the package."""
    for node in wheel.tree(file).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return file, node
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            return file, node
        if not rounds or not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                origin = _file(wheel, file, node)
                return _defined(wheel, origin, alias.name, rounds - 1) if origin else None
    return None


def _file(wheel: Wheel, file: str, node: ast.ImportFrom) -> str:
    """The file that an import takes its names from; empty if it is of another package."""
    parts = (node.module or "").split(".")
    if node.level:
        base = file.split("/")[: -node.level]
        parts = [*base, *filter(None, parts)]
    path = "/".join(parts)
    return next((each for each in (f"{path}.py", f"{path}/__init__.py") if wheel.has(each)), "")
