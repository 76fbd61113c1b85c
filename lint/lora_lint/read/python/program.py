"""The other modules that take part in the run of a file, read when a name leads into them.

An import of a file of the repository binds what that file binds; one of a library stays a name. A
module is read once for a file, and what it binds is seen as at its end: that is when an import is
through.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lora_lint.read.choices import Arm, Arms
from lora_lint.read.python.calls import LAST_NAMES
from lora_lint.read.python.imports import imported
from lora_lint.read.python.index import Index
from lora_lint.read.python.scopes import Def, Module, Scope, module_of
from lora_lint.read.python.text import Text, split_lines
from lora_lint.read.python.values import Ref, Unresolved, Value, Values
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.budgets import COMMANDS, PROGRAM_FILES

if TYPE_CHECKING:
    from lora_lint.read.python.resolver import Resolver
    from lora_lint.read.python.scopes import Step
    from lora_lint.read.repositories import Around
    from lora_lint.read.shell.starts import Start
    from lora_rules.recipe import Span

RUN = "run"
"""The point at which it is chosen which command starts the program."""
_UNREADABLE = "a module of the repository that cannot be read"


class Program:
    """The modules of one run: the file that is read, and others of its repository."""

    def __init__(self, index: Index, around: Around | None) -> None:
        """Nothing but the file itself is read yet.

        Args:
            index: of the file; other modules are taken into it.
            around: the repository, if the file stands in one.
        """
        self.index = index
        self._around = around
        self._modules: dict[str, Module | None] = {}
        """By path; ``None`` for one that cannot be read."""
        self._paths: dict[Module, str] = {}
        self.only: frozenset[int] | None = None
        """The commands that are looked at, by their number; ``None`` for all."""
        self._leading: dict[str, set[str]] = {}
        """By module: the names through which the adapters are reached."""
        self._making: dict[Module, set[str]] = {}
        """By module: the definitions in which models may be made."""
        self._starts: list[tuple[Module, Start]] | None = None
        self._starring: dict[Module, list[Module]] = {}
        self._followed: dict[Def, bool] = {}
        """Whether imports are of the repository's own modules."""
        self.gathered = False
        """Whether the modules that lead into the file were taken in."""
        self.roots: list[Module] = []
        """The modules in which a run begins that leads into the file."""
        self.incomplete = False
        """Whether there are more of these than may be."""
        self.more_starts = False
        """Whether more commands start it than are looked at."""
        if around is not None:
            self._modules[around.path] = index.module
            self._paths[index.module] = around.path

    def close(self) -> None:
        """Forget everything."""
        self.__dict__.clear()

    # Files

    def module(self, path: str) -> Module | None:
        """A file of the repository, read and parsed; ``None`` if that cannot be.

        Raises:
            Unresolved: if the run has taken in as many files as it may.
        """
        if path not in self._modules:
            if len(self._modules) > PROGRAM_FILES:
                raise Unresolved(f"the program has more than {PROGRAM_FILES} modules")
            module = self._modules[path] = self._read(path)
            if module is not None:
                self._paths[module] = path
        return self._modules[path]

    def _read(self, path: str) -> Module | None:
        assert self._around is not None  # noqa: S101  # it gave the path
        text = self._around.text(path)
        tree = None if text is None else self._around.modules.tree(path)
        if text is None or tree is None:
            return None
        try:
            lines = split_lines(text)
            return self.index.add_module(tree.body, Text(lines, None, self._around.shown(path)))
        except (RecursionError, MemoryError):
            return None

    def find(self, importer: Module, level: int, name: str) -> str | None:
        """The file of the repository that a module's name means in one of the run's modules."""
        path = self._paths.get(importer)
        if self._around is None or path is None:
            return None
        return self._around.modules.find(path, level, name)

    def is_followed(self, binding: Def) -> bool:
        """Whether an import is of the repository's own modules."""
        if self._around is None:
            return False
        if binding not in self._followed:
            self._followed[binding] = self._is_of_ours(binding)
        return self._followed[binding]

    def makes_nothing(self, binding: Def) -> bool:
        """Whether an import is of a module that makes no models, and that nobody needed yet.

        What its functions do is not looked at: for their sake it need not be read.
        """
        alias, stmt = binding.node, binding.site.stmt
        if self._around is None or not isinstance(alias, ast.alias):
            return False
        if not isinstance(stmt, ast.ImportFrom):
            return False
        path = self.find(module_of(binding.site.block.scope), stmt.level, stmt.module or "")
        if path is None or path in self._modules:
            return False
        return not self._around.hands_on_models(path)

    def _is_of_ours(self, binding: Def) -> bool:
        alias, stmt = binding.node, binding.site.stmt
        if not isinstance(alias, ast.alias):
            return False
        home = module_of(binding.site.block.scope)
        if not isinstance(stmt, ast.ImportFrom):
            return self._is_ours(home, 0, alias.name.partition(".")[0])
        return self._is_ours(home, stmt.level, stmt.module or "") or self._is_ours(
            home, stmt.level, f"{stmt.module or ''}.{alias.name}".lstrip(".")
        )

    def _is_ours(self, home: Module, level: int, name: str) -> bool:
        importer = self._paths.get(home)
        if self._around is None or importer is None:
            return False
        modules = self._around.modules
        found = modules.find(importer, level, name)
        return found is not None or modules.has_folder(importer, level, name)

    # Who takes part

    def gather(self, made_in: Iterable[Scope]) -> None:
        """Take in the modules that lead into some functions, and those in which models are made.

        Args:
            made_in: the functions and classes of the file in which adapters are made.
        """
        if self._around is None or self.gathered:
            return
        self.gathered = True
        names = {_outermost(scope) for scope in made_in} - {""}
        try:
            self._take_in_callers(self._around, names)
            for module in self.index.modules:  # which grows
                self._take_in_imports(module, self._around)
        except Unresolved:
            self.incomplete = True

    def _take_in_callers(self, around: Around, names: set[str]) -> None:
        modules = around.modules
        own = around.definitions(around.path)
        leading = self._leading
        leading[around.path] = own.leading_to(names) if own is not None else names
        pending = [around.path]
        for path in pending:  # which grows
            for importer in modules.importers(path):
                if _is_test(importer) or not around.mentions(importer, leading[path]):
                    continue
                definitions = around.definitions(importer)
                if definitions is None:
                    continue
                taken = definitions.taking(importer, path, leading[path], modules)
                found = definitions.leading_to(taken) if taken else set()
                if found <= leading.get(importer, set()):
                    continue
                module = self.module(importer)
                leading[importer] = leading.get(importer, set()) | found
                pending.append(importer)
                if module is not None and (module.is_script or not modules.importers(importer)):
                    self.roots.append(module)
        self.incomplete = modules.too_many

    def _take_in_imports(self, module: Module, around: Around) -> None:
        path = self._paths.get(module)
        for imported_path in self._imports(module, path, around) if path is not None else ():
            if imported_path not in self._modules and around.makes_models(imported_path):
                self.module(imported_path)

    def _imports(self, module: Module, path: str, around: Around) -> list[str]:
        """The files that a module imports: of other modules' imports those that matter."""
        if module is self.index.module or path.endswith("__init__.py"):
            return around.modules.imports(path)
        definitions = around.definitions(path)
        if definitions is None:
            return []
        return sorted(definitions.importing(self._mattering(module), path, around.modules))

    def matters(self, scope: Scope) -> bool:
        """Whether what a function does is looked at: the file's own, else if it may make models."""
        module = module_of(scope)
        if self._around is None or module is self.index.module:
            return True
        return _outermost(scope) in self._mattering(module)

    def _mattering(self, module: Module) -> set[str]:
        """The definitions of a module in which models may be made."""
        if module not in self._making and self._around is not None:
            path = self._paths[module]
            definitions = self._around.definitions(path)
            words = self._leading.get(path, set()) | LAST_NAMES
            self._making[module] = set() if definitions is None else definitions.mentioning(words)
        return self._making.get(module, set())

    # What starts it

    @property
    def starts(self) -> list[tuple[Module, Start]]:
        """The commands that start a program of the run, each a run of its own."""
        if self._starts is None:
            self._starts = []
            around = self._around
            for module in list(self.index.modules) if around is not None else ():
                path = self._paths.get(module)
                if around is not None and path is not None:
                    self._starts += [(module, each) for each in around.repository.starts(path)]
            self.more_starts = len(self._starts) > COMMANDS
            del self._starts[COMMANDS:]
            for _module, start in self._starts if around is not None else ():
                if around is not None:
                    around.note(start.span.path)
        return self._starts

    def started(self, module: Module) -> list[tuple[Arms, Start]]:
        """The commands that start a module, or a program that imports it, and their choices."""
        every = self.starts
        is_started = any(of is module for of, _ in every)
        return [
            ((Arm(RUN, number, len(every)),), start)
            for number, (of, start) in enumerate(every)
            if (of is module or not is_started) and (self.only is None or number in self.only)
        ]

    def shown(self, span: Span) -> Span:
        """A place in another file, with its path as the user would write it."""
        assert self._around is not None  # noqa: S101  # it gave the path
        return span._replace(path=self._around.shown(span.path))

    # Values

    def imported(self, resolver: Resolver, binding: Def, step: Step | None) -> Values:
        """The candidates of a name that an import binds."""
        target = self._target(binding)
        if target is None:
            return resolver.stepped((Value(Ref(imported(binding))),), step)
        return target.values(resolver, step)

    def variable(self, binding: Def) -> tuple[Module, str] | None:
        """The module's own name that an import binds, if it is one of a module that was read."""
        alias, stmt = binding.node, binding.site.stmt
        if not isinstance(alias, ast.alias) or not isinstance(stmt, ast.ImportFrom):
            return None
        path = self.find(module_of(binding.site.block.scope), stmt.level, stmt.module or "")
        module = self._modules.get(path) if path is not None else None
        bound = module.bindings.get(alias.name) if module is not None else None
        if module is None or not bound:
            return None
        is_object = all(b.kind not in {"import", "function", "class"} for b in bound)
        return (module, alias.name) if is_object else None

    def starred(
        self, resolver: Resolver, home: Module, name: str, step: Step | None
    ) -> Values | None:
        """The candidates of a name that ``from module import *`` binds; ``None`` if none does."""
        for module in self.starring(home):
            if self.binds(module, name):
                return self.exported(resolver, module, name, step)
        return None

    def starring(self, home: Module) -> list[Module]:
        """The modules of the repository from which a module imports everything, the last first."""
        if home not in self._starring:
            self._starring[home] = self._find_starring(home)
        return self._starring[home]

    def _find_starring(self, home: Module) -> list[Module]:
        found: list[Module] = []
        for star in reversed(home.stars):
            name = star.lstrip(".")
            path = self.find(home, len(star) - len(name), name)
            module = self.module(path) if path is not None else None
            if module is not None:
                found.append(module)
        return found

    def binds(self, module: Module, name: str) -> bool:
        """Whether a module, or one from which it imports everything, binds a name."""
        return self._binder(module, name) is not None

    def _binder(self, module: Module, name: str) -> Module | None:
        """The first of these that does."""
        seen: set[Module] = set()
        pending = [module]
        while pending:
            each = pending.pop()
            if name in each.bindings:
                return each
            if each not in seen:
                seen.add(each)
                pending += reversed(self.starring(each))
        return None

    def exported(
        self, resolver: Resolver, module: Module, name: str, step: Step | None = None
    ) -> Values:
        """The candidates of a name as a module leaves it."""
        with resolver.active(("exported", module, name, step)):
            binder = self._binder(module, name)
            if binder is None:
                raise Unresolved(f"{module.path or 'the file'} does not define {name}")
            return resolver.at_end(binder, name, step)

    def _target(self, binding: Def) -> Imported | None:
        alias, stmt = binding.node, binding.site.stmt
        if self._around is None or not isinstance(alias, ast.alias):
            return None
        home = module_of(binding.site.block.scope)
        if isinstance(stmt, ast.ImportFrom):
            return self._taken(home, stmt, alias.name)
        name = alias.name if alias.asname else alias.name.partition(".")[0]
        return self._named(home, 0, name)

    def _taken(self, home: Module, stmt: ast.ImportFrom, name: str) -> Imported | None:
        """``from module import name``: what the module binds, else a module below it."""
        base = stmt.module or ""
        path = self.find(home, stmt.level, base)
        if path is not None:
            module = self.module(path)
            if module is None or self.binds(module, name):
                return Imported(self, home, stmt.level, base, path, name)
        return self._named(home, stmt.level, f"{base}.{name}" if base else name)

    def _named(self, home: Module, level: int, name: str) -> Imported | None:
        path = self.find(home, level, name)
        if path is not None:
            return Imported(self, home, level, name, path)
        importer = self._paths.get(home)
        if self._around is None or importer is None:
            return None
        is_folder = self._around.modules.has_folder(importer, level, name)
        return Imported(self, home, level, name) if is_folder else None


class Imported:
    """A module of the repository, or one name of it."""

    __slots__ = ("home", "level", "module_name", "name", "path", "program")

    def __init__(
        self,
        program: Program,
        home: Module,
        level: int,
        module_name: str,
        path: str | None = None,
        name: str = "",
    ) -> None:
        """What an import binds.

        Args:
            program: the run.
            home: the module that imports.
            level: the dots before the module's name.
            module_name: dotted.
            path: the module's file; ``None`` for a folder without ``__init__.py``.
            name: what is taken from it; empty for the module itself.
        """
        self.program = program
        self.home = home
        self.level = level
        self.module_name = module_name
        self.path = path
        self.name = name

    def module(self) -> Module | None:
        """The module's scope; ``None`` for a folder.

        Raises:
            Unresolved: if the file cannot be read.
        """
        if self.path is None:
            return None
        module = self.program.module(self.path)
        if module is None:
            raise Unresolved(f"{self.module_name}: {_UNREADABLE}")
        return module

    def values(self, resolver: Resolver, step: Step | None) -> Values:
        """The candidates of what is bound."""
        if not self.name:
            return resolver.stepped((Value(ModuleObject(resolver, self)),), step)
        module = self.module()
        assert module is not None  # noqa: S101  # a folder has no names of its own
        return self.program.exported(resolver, module, self.name, step)


class ModuleObject:
    """A module as a value: its attributes are what it binds, and the modules below it."""

    __slots__ = ("imported", "resolver")

    def __init__(self, resolver: Resolver, imported: Imported) -> None:
        """A module of the repository."""
        self.resolver = resolver
        self.imported = imported

    def attribute(self, name: str) -> Values:
        """The candidates of an attribute."""
        here, program = self.imported, self.imported.program
        module = here.module()
        if module is not None and program.binds(module, name):
            return program.exported(self.resolver, module, name)
        inner = f"{here.module_name}.{name}" if here.module_name else name
        path = program.find(here.home, here.level, inner)
        if path is None:
            raise Unresolved(f"{here.module_name} does not define {name}")
        below = Imported(program, here.home, here.level, inner, path)
        return (Value(ModuleObject(self.resolver, below)),)


def _outermost(scope: Scope) -> str:
    """The name of the top-level function or class that a scope is, or stands in."""
    name = ""
    while scope.parent is not None:
        name = getattr(scope.node, "name", "")
        scope = scope.parent
    return name


def _is_test(path: str) -> bool:
    """Whether a file tests others, so that what it gives them is no fine-tuning."""
    parts = path.split("/")
    name = parts[-1]
    return name.startswith("test_") or name in ("conftest.py", "setup.py") or "tests" in parts
