"""``lora-lint memory --format json``."""

from __future__ import annotations

from lora_lint.report import jsonable
from lora_lint.report.memory_outlook import VERSION, Told, by_outlook, with_a_change
from lora_rules.facts.memory.footprint import Footprint
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast import (
    MemoryForecast,
    Outlook,
    Remedy,
    outlook,
    remedies,
)


def document(told: list[Told]) -> str:
    """All of it, as a document."""
    return jsonable.document(VERSION, unit="bytes", recipes=[_recipe(each) for each in told])


def _recipe(told: Told) -> dict[str, object]:
    recipe = told.recipe
    return {
        "path": recipe.path,
        "line": recipe.span.line,
        "cell": recipe.span.cell,
        "dialect": recipe.dialect,
        "gpu": told.gpu.name if told.gpu else None,
        "gpu_unknown": told.gpu_unknown or None,
        "unknown": told.unknown or None,
        "at_least": _least(told.least) if told.least else None,
        "forecasts": [_forecast(each, told.gpu) for each in told.forecasts],
    }


def _least(found: Footprint) -> dict[str, int]:
    return {
        "total": found.total,
        "weights": found.weights,
        "adapters": found.adapters,
        "gradients": found.gradients,
        "optimizer": found.optimizer,
    }


def _forecast(found: MemoryForecast, gpu: Gpu | None) -> dict[str, object]:
    numbers = found.forecast
    here = outlook(numbers, gpu) if gpu is not None else None
    changes = () if gpu is None or here is Outlook.FITS else remedies(found.plan, gpu, found.switch)
    return {
        "allocated": round(numbers.allocated),
        "reserved": round(numbers.reserved),
        "process": round(numbers.process),
        "band": {
            "low": round(numbers.band.low),
            "high": round(numbers.band.high),
            "source": numbers.band.source,
        },
        "condition": numbers.condition,
        "sharding": {"strategy": found.plan.sharding.strategy, "gpus": found.plan.sharding.gpus},
        "moment": numbers.moment,
        "parts": {name: round(size) for name, size in numbers.parts.items()},
        "assumptions": list(found.assumptions),
        "outlook": here.value if here else None,
        "changes": [_change(each) for each in changes],
        "gpus": by_outlook(found),
        "gpus_with_a_change": {
            name: _change(remedy) if remedy is not None else None
            for name, remedy in with_a_change(found).items()
        },
    }


def _change(remedy: Remedy) -> dict[str, object]:
    return {
        "what": remedy.what,
        "allocated": round(remedy.forecast.allocated),
        "outlook": remedy.outlook.value,
    }
