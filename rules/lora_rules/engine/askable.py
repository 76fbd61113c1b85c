"""What a rule or a fact can ask for, and what is wrong with one that asks for something else.

A misspelt parameter is absent from every recipe: the rule would never say anything, and nobody
would notice. So each parameter has to name a setting, a fact or a view, and the annotation of a
setting has to be a type that it can have.

A plugin's rules and facts are checked when they are registered. Ours are checked when
``tools/build_rule_index.py`` writes the index, which costs a run of the linter nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

from lora_rules.engine import packaged
from lora_rules.engine._startup.typed import Any
from lora_rules.engine.facts import FACTS, registered
from lora_rules.engine.lazy_rule import parameters_of
from lora_rules.engine.types import can_be, is_annotation
from lora_rules.engine.views import VIEWS
from lora_rules.settings import SETTINGS

OF_COMMENTS = frozenset({"malformed_directive", "unused_suppression"})
"""What the linter finds in a file's comments, for the rules that report it."""

_LIBRARIES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "libraries")


def complaint(function: Callable[..., Any]) -> str:
    """What is first wrong with a rule's or fact's parameters, and where; empty if nothing is."""
    return next((f"{wrong} ({place(function)})" for wrong in complaints(function)), "")


def complaints(function: Callable[..., Any]) -> Iterator[str]:
    """What is wrong with a function's parameters."""
    for name, annotation in parameters_of(function)[0]:
        if _is_no_setting(name):
            continue
        if not is_setting(name):
            yield f"it asks for {name}, which is no setting, fact or view; {_nearest(name)}"
        elif not is_annotation(annotation):
            yield f"it asks for {name} as {annotation}, which is no type of a setting"
        elif name in SETTINGS and not can_be(annotation, SETTINGS[name].type):
            yield f"it asks for {name} as {annotation}, but its type is {SETTINGS[name].type}"


def is_setting(name: str) -> bool:
    """Whether it is a setting: declared, or a keyword of a class whose signature we have."""
    return name in SETTINGS or name in keywords()


def is_taken(name: str) -> bool:
    """Whether no fact can be called that."""
    return _is_no_setting(name) or is_setting(name)


def _is_no_setting(name: str) -> bool:
    return name in VIEWS or name in OF_COMMENTS or name in FACTS or name in registered


@cache
def keywords() -> frozenset[str]:
    """Every keyword of the classes and functions of the libraries, in any version."""
    tables = [f"libraries/{library}/signatures.json" for library in os.listdir(_LIBRARIES)]
    there = [table for table in tables if packaged.is_there(table)]
    entries = (packaged.entry(table, callee) for table in there for callee in packaged.names(table))
    return frozenset(name for entry in entries if entry is not None for name in entry["fields"])


def nearest(name: str, known: frozenset[str]) -> str:
    """The name that was meant, if one is near; else an empty text."""
    from difflib import get_close_matches  # imported here: for messages only

    return next(iter(get_close_matches(name, sorted(known), n=1)), "")


def place(function: Callable[..., Any]) -> str:
    """Where a function stands."""
    path = function.__code__.co_filename
    near = os.path.relpath(path)
    return f"{path if near.startswith('..') else near}, line {function.__code__.co_firstlineno}"


def _nearest(name: str) -> str:
    meant = nearest(name, keywords() | {*SETTINGS, *FACTS, *registered, *VIEWS})
    return f"did you mean {meant}?" if meant else "`lora-lint show FILE` lists a file's settings"
