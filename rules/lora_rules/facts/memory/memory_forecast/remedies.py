"""What may be changed for a run to fit a card, cheapest first, each with its forecast.

The order: the loss path, what the base is loaded in, a smaller micro batch with more accumulation,
gradient checkpointing (all of them change the result not at all, or as rounding does); then an
embedding and head that are not trained whole, a 4-bit base, shorter sequences, fewer targets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lora_rules.engine._startup.record import record, replace
from lora_rules.engine.trainer import Checkpointing
from lora_rules.facts.memory.forecast import Forecast
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.memory_forecast.plan import Outlook, Plan, outlook

Change = Callable[[Plan, str], list[tuple[str, Plan]]]
"""From a plan, and the framework's switch, to what may be done, the mildest first."""
SHORTEST = 256
"""Tokens below which no shorter sequences are proposed."""


@record(frozen=True)
class Remedy:
    """A change, what it does to the plan, and what comes of it."""

    what: str
    plan: Plan
    forecast: Forecast
    outlook: Outlook

    @property
    def fits(self) -> bool:
        """Whether the run is expected to fit with it."""
        return self.outlook is Outlook.FITS


def remedies(plan: Plan, gpu: Gpu, switch: str) -> tuple[Remedy, ...]:
    """What can be changed, cheapest first, each alone; together, where none alone suffices.

    Args:
        plan: the run as it stands.
        gpu: the card that it is to fit.
        switch: how the framework switches on a loss without all logits.
    """
    free = _alone(plan, gpu, switch, FREE)
    costly = _alone(plan, gpu, switch, COSTLY)
    if any(each.fits for each in free):
        return (*free, *costly)
    together = _together(plan, gpu, switch, FREE)
    if together is not None and together.fits:
        return (*free, together, *costly)
    if not any(each.fits for each in costly):
        together = _together(plan, gpu, switch, (*FREE, *COSTLY))
        return (*free, *costly, *([together] if together is not None else []))
    return (*free, *costly)


def first_that_fits(plan: Plan, gpu: Gpu, switch: str) -> Remedy | None:
    """The cheapest change, or combination of changes, with which the run fits."""
    return next((each for each in remedies(plan, gpu, switch) if each.fits), None)


def _alone(plan: Plan, gpu: Gpu, switch: str, changes: tuple[Change, ...]) -> list[Remedy]:
    now = plan.on(gpu).allocated
    found = (_best(change(plan, switch), gpu) for change in changes)
    return [each for each in found if each is not None and _helps(each, now)]


def _together(plan: Plan, gpu: Gpu, switch: str, changes: tuple[Change, ...]) -> Remedy | None:
    """The first changes, one on top of the other, until the run fits."""
    words: list[str] = []
    best: Remedy | None = None
    for change in changes:
        step = _best(change(plan, switch), gpu)
        if step is None or not _helps(step, plan.on(gpu).allocated):
            continue
        words.append(step.what)
        plan = step.plan
        best = replace(step, what=_and(words))
        if best.fits:
            break
    return best if len(words) > 1 else None


def _and(words: list[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])


def _helps(remedy: Remedy, before: float) -> bool:
    """Whether the peak falls by a hundredth at least."""
    return remedy.forecast.allocated <= 0.99 * before


def _best(options: Iterable[tuple[str, Plan]], gpu: Gpu) -> Remedy | None:
    """The first option that fits, else the last; ``None`` if there is no option."""
    found: Remedy | None = None
    for what, plan in options:
        made = plan.on(gpu)
        found = Remedy(what, plan, made, outlook(made, gpu))
        if found.fits:
            return found
    return found


def _cheaper_loss(plan: Plan, switch: str) -> list[tuple[str, Plan]]:
    if not plan.full_logits:
        return []
    cut = plan.known.behaviour.cuts_loss
    return [(switch, replace(plan, known=replace(plan.known, cut=cut, liger=not cut)))]


def _sixteen_bit(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.assumed(None).loop.base != "fp32":
        return []
    known = replace(plan.known, dtype="bf16")
    if plan.known.behaviour.one_precision:
        known = replace(known, adapter="bf16")
    return [("a base loaded in bfloat16", replace(plan, known=known))]


def _micro_batch(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    smaller = [size for size in range(plan.batch - 1, 0, -1) if plan.batch % size == 0]
    return [
        (
            f"a micro batch of {size} with {plan.accumulation * plan.batch // size}"
            " accumulation steps",
            replace(plan, batch=size, accumulation=plan.accumulation * plan.batch // size),
        )
        for size in smaller
    ]


def _checkpointing(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.known.checkpointing is not Checkpointing.NONE:
        return []
    return [("gradient checkpointing", plan.with_checkpointing())]


def _fused_attention(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    """Scores that are capped (Gemma 2) need eager attention: sdpa drops the cap."""
    if plan.known.attention != "eager" or plan.shape.caps_scores:
        return []
    known = replace(plan.known, attention="sdpa")
    return [('attn_implementation="sdpa"', replace(plan, known=known))]


def _four_bit(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    if plan.known.quantization.startswith("nf4"):
        return []
    return [("a 4-bit base (NF4, double quantization)", four_bit(plan))]


def four_bit(plan: Plan) -> Plan:
    """The same run over NF4 with double quantization."""
    return replace(plan, known=replace(plan.known, quantization="nf4-dq"))


def _shorter(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    """Half, a quarter, an eighth, down to 256 tokens."""
    lengths = [plan.length // factor for factor in (2, 4, 8) if plan.length // factor >= SHORTEST]
    return [(f"sequences of at most {each} tokens", replace(plan, length=each)) for each in lengths]


def _frozen_ends(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    """Embedding and head, where one of them at least is trained whole."""
    if plan.adapter.extra < plan.shape.hidden * plan.shape.vocabulary:
        return []
    frozen = replace(plan, adapter=replace(plan.adapter, extra=0))
    return [("embedding and head frozen, not trained whole", frozen)]


def _fewer_targets(plan: Plan, _switch: str) -> list[tuple[str, Plan]]:
    few = {name: rank for name, rank in plan.adapter.ranks.items() if name in ("q_proj", "v_proj")}
    if not few or len(few) == len(plan.adapter.ranks):
        return []
    fewer = replace(plan, adapter=replace(plan.adapter, ranks=few))
    return [("LoRA on q_proj and v_proj alone", fewer)]


FREE: tuple[Change, ...] = (
    _cheaper_loss,
    _fused_attention,
    _sixteen_bit,
    _micro_batch,
    _checkpointing,
)
"""What changes nothing, or next to nothing, about the result; at most its time."""
COSTLY: tuple[Change, ...] = (_frozen_ends, _four_bit, _shorter, _fewer_targets)
"""What changes the base, the data or what is learnt."""
