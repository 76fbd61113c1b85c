"""Asks a recipe for a fact of :mod:`lora_rules.facts`: the answer, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lora_rules.engine.injection import evaluate
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.rule import Rule
from lora_rules.facts.data.dataset import Rows
from lora_rules.facts.memory.memory_forecast import MemoryForecast
from lora_rules.facts.model.architecture import Architecture
from lora_rules.recipe import Recipe


def _answer(recipe: Recipe, make: Callable[[list[Any]], Callable[..., Any]]) -> tuple[Any, str]:
    found: list[Any] = []
    outcome = evaluate(Rule("", "", Severity.INFO, make(found)), recipe, {})
    if not found:
        return None, outcome.not_run or "it is not known"
    if len(found) > 1:
        return None, "the file leaves several values open"
    return found[0], ""


def rows(recipe: Recipe) -> tuple[Rows | None, str]:
    """How many examples the training data has."""

    def make(found: list[Rows]) -> Callable[..., Iterator[Problem]]:
        def collect(dataset_rows: Rows) -> Iterator[Problem]:
            found.append(dataset_rows)
            return iter(())

        return collect

    return _answer(recipe, make)


def trainable(recipe: Recipe) -> tuple[int | None, str]:
    """How many parameters the adapter trains."""

    def make(found: list[int]) -> Callable[..., Iterator[Problem]]:
        def collect(trainable_parameters: int) -> Iterator[Problem]:
            found.append(trainable_parameters)
            return iter(())

        return collect

    return _answer(recipe, make)


def architecture(recipe: Recipe) -> tuple[Architecture | None, str]:
    """What the base model is made of."""

    def make(found: list[Architecture]) -> Callable[..., Iterator[Problem]]:
        def collect(architecture: Architecture) -> Iterator[Problem]:
            found.append(architecture)
            return iter(())

        return collect

    return _answer(recipe, make)


def memory(recipe: Recipe) -> tuple[MemoryForecast | None, str]:
    """What the device that needs most needs."""

    def make(found: list[MemoryForecast]) -> Callable[..., Iterator[Problem]]:
        def collect(memory_forecast: MemoryForecast) -> Iterator[Problem]:
            found.append(memory_forecast)
            return iter(())

        return collect

    return _answer(recipe, make)
