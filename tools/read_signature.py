"""What a class of a wheel can be called with: fields, literal defaults, allowed strings."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from wheel_source import Wheel

NOT_LITERAL = object()
"""A default that is not a plain literal, or no default at all."""


@dataclass
class Signature:
    """One callee at one version."""

    fields: dict[str, object] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    parent: str | None = None
    open: bool = False
    positional: list[str] = field(default_factory=list)
    """The names of its positional arguments, the first of them first."""


def read_class(wheel: Wheel, name: str, file: str | None = None) -> Signature | None:
    """The signature of ``name(...)``, inheritance included; ``None`` if the wheel has no such."""
    found = wheel.find_class(name, file)
    if found is None:
        return None
    where, definition = found
    signature = Signature()
    for base in definition.bases:
        _inherit(wheel, where, _last_name(base), signature, name)
    init = _method(definition, "__init__")
    if init is not None and not _passes_everything_on(init):
        if init.args.kwarg is None:
            signature.fields.clear()
        _read_parameters(wheel, where, init, signature)
        _read_decorators(init, signature)
        _read_replaced_nones(init, signature)
    elif init is None and _is_dataclass(definition):
        _read_fields(wheel, where, definition, signature)
    return signature


def read_function(wheel: Wheel, name: str) -> Signature | None:
    """The signature of a function at the top of a module; the shortest path's, if several have it.

    A function may be defined in several modules, of which one is public.
    """
    found = wheel.find_function(name)
    if found is None:
        return None
    return read_parameters(wheel, *found)


def read_parameters(wheel: Wheel, file: str, function: ast.FunctionDef) -> Signature:
    """The signature of a function whose definition is at hand."""
    signature = Signature()
    _read_parameters(wheel, file, function, signature, skip_first=False)
    _read_decorators(function, signature)
    return signature


def _passes_everything_on(init: ast.FunctionDef) -> bool:
    """``def __init__(self, *args, **kwargs)``: a name that is kept for what has moved."""
    arguments = init.args
    alone = len(arguments.args) == 1 and not arguments.kwonlyargs
    return alone and arguments.vararg is not None and arguments.kwarg is not None


def _read_decorators(method: ast.FunctionDef, into: Signature) -> None:
    """``@deprecate_kwarg("tokenizer", new_name=...)``: the old name is taken as well."""
    for decorator in method.decorator_list:
        if isinstance(decorator, ast.Call) and _last_name(decorator.func) == "deprecate_kwarg":
            old = [k.value for k in decorator.keywords if k.arg == "old_name"] or decorator.args
            if old and isinstance(old[0], ast.Constant) and isinstance(old[0].value, str):
                into.fields.setdefault(old[0].value, None)


def read_method(wheel: Wheel, owner: str, name: str) -> Signature | None:
    """The signature of ``owner.name(...)``; a wrapper of ``*args, **kwargs`` is looked through.

    A package may define a stand-in of the same name (unsloth has one for machines without a GPU):
    the first definition that has such a method counts.
    """
    for file in wheel.files_with(owner):
        signature = _read_method(wheel, owner, name, file)
        if signature is not None:
            return signature
    return None


def _read_method(wheel: Wheel, owner: str, name: str, file: str) -> Signature | None:
    found = wheel.find_class(owner, file)
    while found is not None:
        where, definition = found
        method = _method(definition, name)
        if method is not None and (method.args.args[1:] or method.args.kwonlyargs):
            signature = Signature()
            _read_parameters(wheel, where, method, signature, skip_first=_first_is_bound(method))
            return signature
        bases = [base for base in map(_last_name, definition.bases) if base]
        found = wheel.find_class(bases[0], where) if bases else None
    return None


def _inherit(wheel: Wheel, file: str, base: str, into: Signature, child: str) -> None:
    if not base or (base == child and wheel.find_class(base, file) is None):
        return
    inherited = read_class(wheel, base, file)
    if inherited is not None:
        into.fields.update(inherited.fields)
        into.choices.update(inherited.choices)
        into.positional += [n for n in inherited.positional if n not in into.positional]
        into.parent = inherited.parent or into.parent
        into.open = into.open or inherited.open
    elif wheel.package in ("trl", "swift") and base.endswith("TrainingArguments"):
        into.parent = f"transformers.{base.removeprefix('Hf')}"


def _first_is_bound(method: ast.FunctionDef) -> bool:
    return method.args.args[0].arg in {"self", "cls"}


def _read_parameters(
    wheel: Wheel, file: str, method: ast.FunctionDef, into: Signature, skip_first: bool = True
) -> None:
    arguments = method.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    values: list[ast.expr | None] = [None] * (len(names) - len(arguments.defaults))
    values += arguments.defaults
    start = 1 if skip_first else 0
    into.positional = names[start:]
    for name, value in list(zip(names, values, strict=True))[start:]:
        into.fields[name] = _literal(wheel, file, value)
    for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        into.fields[argument.arg] = _literal(wheel, file, value)
    into.open = into.open or arguments.kwarg is not None


def _read_replaced_nones(init: ast.FunctionDef, into: Signature) -> None:
    """``if x is None: self.x = torch.float32`` makes float32 the default of ``x``."""
    for node in ast.walk(init):
        match node:
            case ast.If(
                test=ast.Compare(left=ast.Name(id=name), ops=[ast.Is()]),
                body=[
                    ast.Assign(
                        targets=[ast.Attribute(attr=target)],
                        value=ast.Attribute(value=ast.Name(id="torch"), attr=dtype),
                    )
                ],
            ) if name == target and into.fields.get(name, 0) is None:
                into.fields[name] = dtype


def _read_fields(wheel: Wheel, file: str, definition: ast.ClassDef, into: Signature) -> None:
    for statement in definition.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        name, annotation = statement.target.id, ast.unparse(statement.annotation)
        if "ClassVar" in annotation or _not_in_init(statement.value):
            continue
        if name not in into.fields:
            into.positional.append(name)  # one that is declared again keeps its place
        into.fields[name] = _field_default(wheel, file, statement.value)
        strings = _literal_strings(statement.annotation) or _enumerated(wheel, statement.annotation)
        if strings:
            into.choices[name] = strings


def _not_in_init(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and any(
        keyword.arg == "init" and ast.unparse(keyword.value) == "False"
        for keyword in value.keywords
    )


def _field_default(wheel: Wheel, file: str, value: ast.expr | None) -> object:
    if not (isinstance(value, ast.Call) and _last_name(value.func) == "field"):
        return _literal(wheel, file, value)
    for keyword in value.keywords:
        if keyword.arg == "default":
            return _literal(wheel, file, keyword.value)
        if keyword.arg == "default_factory":
            return {"list": [], "dict": {}}.get(ast.unparse(keyword.value), NOT_LITERAL)
    return NOT_LITERAL


def _literal(wheel: Wheel, file: str, value: ast.expr | None) -> object:
    if value is None:
        return NOT_LITERAL
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return _member(wheel, file, value.value.id, value.attr)
    try:
        literal = ast.literal_eval(value)
    except ValueError:
        return NOT_LITERAL
    return list(literal) if isinstance(literal, tuple | set) else literal


def _member(wheel: Wheel, file: str, owner: str, name: str) -> object:
    """``IntervalStrategy.STEPS`` is ``"steps"``: an enumeration's member by its value."""
    found = wheel.find_class(owner, file)
    for statement in found[1].body if found else ():
        if (
            isinstance(statement, ast.Assign)
            and ast.unparse(statement.targets[0]) == name
            and isinstance(statement.value, ast.Constant)
        ):
            return statement.value.value
    return NOT_LITERAL


def _literal_strings(annotation: ast.expr) -> list[str]:
    """The strings of every ``Literal[...]`` in an annotation, in order."""
    return [
        constant.value
        for node in ast.walk(annotation)
        if isinstance(node, ast.Subscript) and _last_name(node.value) == "Literal"
        for constant in ast.walk(node.slice)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    ]


def _enumerated(wheel: Wheel, annotation: ast.expr) -> list[str]:
    """The values of the enumerations of transformers that an annotation names."""
    return [
        value
        for node in ast.walk(annotation)
        if isinstance(node, ast.Name)
        and wheel.package == "transformers"
        and node.id.endswith(("Names", "Strategy", "Type"))
        for value in enum_values(wheel, node.id)
    ]


def _method(definition: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    for statement in definition.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            return statement
    return None


def _is_dataclass(definition: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in definition.decorator_list)


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rsplit(".", 1)[-1]


def enum_values(wheel: Wheel, name: str) -> list[str]:
    """The string values of an enumeration's members."""
    found = wheel.find_class(name)
    return [
        statement.value.value
        for statement in (found[1].body if found else ())
        if isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]


def compared_strings(wheel: Wheel, file: str, name: str) -> list[str]:
    """The strings that a file compares the variable ``name`` with, in lower case or not."""
    return [
        node.comparators[0].value
        for node in ast.walk(wheel.tree(file))
        if isinstance(node, ast.Compare)
        and ast.unparse(node.left) in {name, f"{name}.lower()"}
        and isinstance(node.comparators[0], ast.Constant)
        and isinstance(node.comparators[0].value, str)
    ]
