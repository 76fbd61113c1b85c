"""What a fix does to the step size: learning rate x scale, which acts like one number."""

from __future__ import annotations

from math import sqrt

from lora_rules.recipe import Recipe

TOLERANCE = 0.01
"""A learning rate is written with three digits."""


def scale(recipe: Recipe) -> float | None:
    """What PEFT multiplies the adapter's output by, if it is known."""
    r, alpha = _number(recipe, "r"), _number(recipe, "lora_alpha")
    if r is None or alpha is None or r <= 0:
        return None
    setting = recipe.settings.get("use_rslora")
    if setting is not None and not setting.known:
        return None
    return alpha / sqrt(r) if recipe.known("use_rslora") is True else alpha / r


def step(recipe: Recipe) -> float | None:
    """Learning rate x scale, if both are known."""
    rate, factor = _number(recipe, "learning_rate"), scale(recipe)
    return None if rate is None or factor is None else rate * factor


def _number(recipe: Recipe, name: str) -> float | None:
    value = recipe.known(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def told(before: Recipe, after: Recipe) -> str:
    """A sentence about the step size, if a fix moved what it is made of."""
    names = ("r", "lora_alpha", "learning_rate", "use_rslora")
    if all(before.known(name) == after.known(name) for name in names):
        return ""
    old, new = step(before), step(after)
    if old is not None and new is not None:
        if abs(old - new) <= TOLERANCE * abs(old):
            return f"learning_rate x scale stays at {new:.3g}"
        return f"learning_rate x scale goes from {old:.3g} to {new:.3g}"
    old, new = scale(before), scale(after)
    if old is not None and new is not None and abs(old - new) <= TOLERANCE * abs(old):
        return f"the scale stays at {new:.4g}"
    return f"the scale goes from {_shown(old)} to {_shown(new)}; the learning rate stays as it is"


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
