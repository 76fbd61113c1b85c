"""The layout holds: imports run one way, and no module imports itself through others.

import-linter holds the arrows between the packages and inside ``lora_rules`` (``pyproject.toml``).
"""

from __future__ import annotations

from collections import defaultdict
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from conftest import ROOT

PACKAGES = ("lora_rules", "lora_lint", "lora_launch")
KNOWN_CYCLES = {
    # The resolver of values and its parts call each other, as expressions contain expressions.
    "lora_lint.read.python": [
        "branches",
        "changes",
        "classes",
        "command_line",
        "comprehensions",
        "expressions",
        "functions",
        "known",
        "options",
        "program",
        "resolver",
    ],
}
"""Modules that may import each other, by their package; the issue that replaces them removes it."""


def _node(module: str) -> str:
    package, _, name = module.rpartition(".")
    return f"{package} (resolver)" if name in KNOWN_CYCLES.get(package, ()) else module


def test_no_module_imports_itself_through_others() -> None:
    """Imports inside functions and under TYPE_CHECKING count too."""
    graph = grimp.build_graph(*PACKAGES)
    imports: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if _node(imported) != _node(module):
                imports[_node(module)].add(_node(imported))
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_a_rule_has_a_file_of_its_own_that_bears_its_code_and_name() -> None:
    from lora_rules.engine.registry import imported_rules

    for code, rule in imported_rules().items():
        name = rule.function.__name__
        assert rule.function.__module__.rpartition(".")[2] == f"{code.lower()}_{name}"


@pytest.mark.parametrize("package", ["rules", "lint", "launcher"])
def test_every_folder_of_python_is_a_package(package: str) -> None:
    for file in (ROOT / package).rglob("*.py"):
        folder = file.parent
        assert (folder / "__init__.py").exists() or folder.name == package, file
