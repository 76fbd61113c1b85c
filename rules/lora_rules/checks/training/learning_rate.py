"""Fixes of the rules on learning rates and scales, and how they say what they do."""

from __future__ import annotations

from collections.abc import Sequence

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.problem import Add, Edit, Set
from lora_rules.engine.types import LARGEST
from lora_rules.engine.value import Known, Unknown, Value
from lora_rules.facts.adapter.good_step import Step, is_best, is_judged, start_rate, together
from lora_rules.recipe import Setting

if TYPE_CHECKING:
    from lora_rules.engine.injection import Lazy

MADE_UP = 16
"""Up to this ratio of lora_alpha to r a learning rate is said to make up for it."""


class Run(NamedTuple):
    """What of a run decides how a fix of its scale moves the learning rate."""

    learning_rate: Setting | None
    """``None`` where it is not known."""
    judged: bool
    """Whether what is known of steps concerns the run."""
    boost: float = 1.0
    """By what the step exceeds ``learning_rate x lora_alpha``: rsLoRA and LoRA+."""

    @property
    def rate(self) -> float:
        """The learning rate, 0 where it is not known."""
        return float(str(self.learning_rate.value)) if self.learning_rate is not None else 0.0

    def step_size(self, lora_alpha: float) -> float | None:
        """The step with an alpha, where it is known and means something."""
        return self.rate * lora_alpha * self.boost if self.learning_rate and self.judged else None


class Repair(NamedTuple):
    """A fix, in words and as edits."""

    help: str
    edits: tuple[Edit, ...]


def run_of(
    learning_rate: Value, training_kind: Lazy, optimizer_family: Lazy, boost: float = 1.0
) -> Run:
    """What of a run decides; of its kind only asked where the learning rate is known."""
    known = learning_rate if isinstance(learning_rate, Known) else None
    if known is None or not isinstance(known.value, float | int) or not 0 < known.value < 1:
        return Run(None, judged=False, boost=boost)
    return Run(known.setting, is_judged(training_kind, optimizer_family), boost)


def loraplus_ratio(value: Value) -> float:
    """How many times the learning rate of A is that of B."""
    number = value.value if isinstance(value, Known) else 1.0
    return float(number) if isinstance(number, int | float) and 0 < number < LARGEST else 1.0


def is_made_up_for(step_size: float | None, ratio: float) -> bool:
    """Whether a step is among the best though lora_alpha / r is unusual."""
    return step_size is not None and is_best(step_size) and 1 / MADE_UP <= ratio <= MADE_UP


def rescaled(run: Run, lora_alpha: float, alphas: Sequence[float]) -> Repair:
    """Another alpha, and the rate that goes with it: the step stays, unless it is a bad one."""
    if run.learning_rate is None:
        return Repair(
            f"Set lora_alpha to {alphas[0]:g}; the learning rate has to move the other way if the "
            "step is to stay.",
            (Set("lora_alpha", alphas[0]),),
        )
    product = run.rate * lora_alpha
    if run.judged:
        step = together(product * run.boost, alphas, run.boost)
    else:
        step = Step(alphas[0], float(f"{product / alphas[0]:.3g}"), kept=True)
    now = f"learning_rate x lora_alpha, now {product:.3g},"
    does = "stays" if step.kept else f"comes to {step.rate * step.alpha:.2g}"
    return Repair(
        f"Set lora_alpha to {step.alpha:g} and learning_rate to {step.rate:g}: {now} {does}.",
        (Set("lora_alpha", step.alpha), rate(run.learning_rate, step.rate)),
    )


def rate(learning_rate: Setting, value: float) -> Edit:
    """The edit that sets the learning rate, or adds it where it is a default."""
    written = learning_rate.span is not None
    return Set("learning_rate", value) if written else Add("learning_rate", value)


def proposed(good_step: Lazy) -> Step | None:
    """The pair to propose, or ``None`` where alpha or rank are not known."""
    try:
        step: Step = good_step()
    except Unknown:
        return None
    return step


def restarted(learning_rate: Setting, lora_alpha: object, good_step: Lazy) -> Repair:
    """A rate to start at, together with another alpha where LL102 or LL105 reports that too."""
    step = proposed(good_step)
    if step is None:
        return Repair(f"Start at {start_rate():g}.", (rate(learning_rate, start_rate()),))
    if step.alpha == lora_alpha:
        return Repair(f"Start at {step.rate:g}.", (rate(learning_rate, step.rate),))
    return Repair(
        f"Start at {step.rate:g}, with lora_alpha {step.alpha:g}.",
        (rate(learning_rate, step.rate), Set("lora_alpha", step.alpha)),
    )
