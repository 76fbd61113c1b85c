"""The search spaces of the second seed document, with their defects mended, and its order.

Its spaces have 4, 36 and 135 members, and so have these. What is different:

- **A learning rate instead of alpha.** There ``lora_alpha`` is a multiple of ``r`` and there is one
  learning rate, so that ranks are compared at step sizes that suit them unequally (rule LL106).
  Under Adam alpha times the learning rate sets the first steps (Hu et al. 2021, section 4.1, tune
  one of the two; LoRA Without Regret shows it): here ``lora_alpha`` stays as the file has it, and
  its axis of multiples is an axis of the learning rate, with the same multiples.
- **Modules are looked up in the model.** There "all" leaves ``gate_proj`` out, and the middle space
  never tries the MLP: here it is ``all-linear``, and it is in both.
- **Dropout at rank 4** is that document's own anti-pattern, and 18 of its 135 members have it: they
  are members here too, and are refused. (One axis at a time it is warned of: a file with dropout
  would never try rank 4.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lora_launch.config.recipes import ATTENTION, FUSED, QUERY_VALUE
from lora_launch.sweep.axes import ALPHA, DROPOUT, RANK, RATE, TARGETS, Axis, Choice, choice
from lora_launch.sweep.base import USUAL_RATE, Base

NAMES = ("quick", "balanced", "thorough")
OUTPUT = ("o_proj", "out_proj", "dense")
"""The attention's output, beside a fused query, key and value."""
ORDER = (TARGETS, RANK, ALPHA, RATE, DROPOUT)
"""One thing at a time: the seed's order, with the learning rate that it leaves out."""


@dataclass(frozen=True, slots=True)
class Space:
    """Axes, and what there is to say about them."""

    axes: tuple[Axis, ...]
    refuses: frozenset[str] = frozenset()
    """Codes of warnings that refuse a member of this grid."""
    notes: tuple[str, ...] = ()


def named(name: str, base: Base) -> Space:
    """One of the three."""
    halves = name == "thorough"
    rates = _rates(base, (0.5, 1, 2) if halves else (1, 2))
    if name == "quick":
        return Space((_axis(RANK, (8, 16)), rates), notes=_notes(base))
    words = ("query and value", "attention", "all-linear")[0 if halves else 1 :]
    axes = [
        *_targets(base, words),
        _axis(RANK, (4, 8, 16, 32, 64) if halves else (8, 16, 32)),
        rates,
        _axis(DROPOUT, (0.0, 0.05, 0.1)),
    ]
    return Space(tuple(axes), frozenset({"LL301"}), _notes(base, targets=True))


def sequence(base: Base) -> Space:
    """The seed's order with its values: targets, rank, alpha, then learning rate and dropout."""
    alphas = Axis(ALPHA, (Choice("r", 1.0, per_rank=True), Choice("2r", 2.0, per_rank=True)))
    axes = [
        *_targets(base, ("query and value", "attention", "all-linear")),
        _axis(RANK, (4, 8, 16, 32)),
        alphas,
        _rates(base, (0.5, 1, 2)),
        _axis(DROPOUT, (0.05, 0.1, 0.0)),
    ]
    return Space(tuple(axes), notes=_notes(base, targets=True, alpha=True))


def own(axes: Iterable[Axis]) -> Space:
    """The user's axes."""
    found = tuple(axes)
    if any(axis.key == RATE for axis in found):
        return Space(found)
    note = (
        "The learning rate is not swept, because the axes are yours; --axis"
        f" {RATE}=1e-4,2e-4,4e-4 adds it."
    )
    return Space(found, notes=(note,))


def ordered(axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes in the order of a sequential sweep, then those that it does not name."""
    return tuple(
        sorted(axes, key=lambda axis: ORDER.index(axis.key) if axis.key in ORDER else len(ORDER))
    )


def _axis(key: str, values: Iterable[object]) -> Axis:
    return Axis(key, tuple(choice(value) for value in values))


def _rates(base: Base, factors: Iterable[float]) -> Axis:
    """Multiples of the file's learning rate."""
    return _axis(RATE, (float(f"{base.rate * factor:.6g}") for factor in factors))


def _targets(base: Base, words: Iterable[str]) -> list[Axis]:
    """The axis of target modules, by the names that the model has; none if they are not known."""
    if not base.module_names:
        return []
    return [Axis(TARGETS, tuple(Choice(word, _modules(word, base)) for word in words))]


def _modules(words: str, base: Base) -> str | list[str]:
    names = base.module_names
    for group in {"query and value": QUERY_VALUE, "attention": ATTENTION}.get(words, ()):
        if names >= set(group):
            return list(group)
    fused = [name for name in FUSED if name in names]
    if words == "all-linear" or not fused:
        return "all-linear"
    output = [name for name in OUTPUT if name in names]
    return fused if words == "query and value" else fused + output[:1]


def _notes(base: Base, *, targets: bool = False, alpha: bool = False) -> tuple[str, ...]:
    """What to say of a space.

    Args:
        base: the configuration.
        targets: the space has an axis of target modules, where they are known.
        alpha: it has an axis of lora_alpha.
    """
    said = f"lora_alpha stays {base.written(ALPHA)} at every rank"
    notes = [
        f"{said} until its own turn, so that ranks are compared at one step size (LL106)."
        if alpha
        else f"{said}; the learning rate is swept in its place, which under Adam is the same knob"
        " (LL106)."
    ]
    if "learning_rate" not in base.config.given("training"):
        notes.append(f"The file names no learning rate; its axis is around {USUAL_RATE:g}.")
    if targets and not base.module_names:
        model = base.config.model.pretrained_model_name_or_path
        notes.append(
            f"The modules of {model} are not known here, so target_modules is no axis; --axis"
            f" '{TARGETS}=all-linear,[q_proj,v_proj]' makes it one."
        )
    return tuple(notes)
