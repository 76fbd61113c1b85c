"""Every candidate through the gate and the plan, before any of them costs anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lora_launch.config.config import Config, read
from lora_launch.config.document import Document
from lora_launch.errors import LaunchError
from lora_launch.gate import checks, gate
from lora_launch.plan import plan
from lora_launch.plan.microbatch import largest
from lora_launch.plan.prepare import strategy_of
from lora_launch.sweep.axes import Axis
from lora_launch.sweep.base import Base
from lora_launch.sweep.candidates import Candidate, identity
from lora_lint.engine.finding import Finding
from lora_rules.engine.problem import Severity


@dataclass(frozen=True, slots=True)
class Policy:
    """What refuses a candidate beside errors."""

    strict: bool = False
    allow: tuple[str, ...] = ()
    refuses: frozenset[str] = frozenset()
    """Codes of warnings that refuse the members of this space."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and what is known of it before it runs."""

    candidate: Candidate
    identity: str
    document: Document
    refused: str = ""
    """Why it will not run; empty if it will."""
    code: str = ""
    """The rule that refuses it, if a rule does."""
    warnings: tuple[str, ...] = ()
    """Codes of the linter's warnings."""
    plan: plan.Plan | None = None


def everyone(
    candidates: Iterable[Candidate], axes: Sequence[Axis], base: Base, policy: Policy
) -> list[Judged]:
    """Judge candidates; of two that come to the same, the second is refused."""
    seen: dict[str, int] = {}
    found = []
    for candidate in candidates:
        judged = one(candidate, axes, base, policy)
        first = seen.setdefault(judged.identity, candidate.number)
        if first != candidate.number and not judged.refused:
            judged = replace(judged, refused=f"It is the same run as #{first}.")
        found.append(judged)
    return found


def distinct(found: Iterable[Judged]) -> list[Judged]:
    """Without those that come to the same, numbered as they come."""
    first = {each.identity: each for each in reversed(list(found))}
    kept = sorted(first.values(), key=lambda each: each.candidate.number)
    return [
        replace(each, candidate=replace(each.candidate, number=number))
        for number, each in enumerate(kept, start=1)
    ]


def one(candidate: Candidate, axes: Sequence[Axis], base: Base, policy: Policy) -> Judged:
    """Judge a candidate.

    Raises:
        LaunchError: if an axis names a key or a value that the configuration does not take.
    """
    document = candidate.document(base.document)
    found = Judged(candidate, identity(candidate, axes, base), document)
    config = _read(document)
    try:
        if config.hardware.micro_batch == "auto":
            document, _ = largest(document, base.devices)
            config = read(document)
        verdict = gate.judge(
            document, base.devices.declared, strict=policy.strict, allow=policy.allow
        )
        found = replace(found, warnings=_warnings(verdict))
        refusing = [*verdict.refused, *_refusing(verdict, policy)]
        if refusing:
            worst = refusing[0]
            said = f"{worst.full_code} {worst.name}: {worst.message}"
            return replace(found, refused=said, code=worst.full_code)
        return replace(found, plan=_plan(document, base, policy, verdict))
    except LaunchError as error:
        return replace(found, refused=str(error))


def _read(document: Document) -> Config:
    """The configuration, where what is wrong is a value that an axis gave it.

    Raises:
        LaunchError: which names the axis.
    """
    try:
        return read(document)
    except LaunchError as error:
        raise LaunchError(str(error).replace("--set ", "--axis ", 1)) from None


def _warnings(verdict: gate.Verdict) -> tuple[str, ...]:
    said = (each for each in verdict.report.findings if each.suppressed is None)
    return tuple(sorted({each.full_code for each in said if each.severity is Severity.WARNING}))


def _refusing(verdict: gate.Verdict, policy: Policy) -> list[Finding]:
    """Warnings that this space does not take."""
    allowed = gate.allowed_codes(policy.allow)
    return [
        each
        for each in verdict.report.findings
        if gate.is_allowed(each, policy.refuses)
        and not gate.is_allowed(each, allowed)
        and each.suppressed is None
    ]


def _plan(document: Document, base: Base, policy: Policy, verdict: gate.Verdict) -> plan.Plan:
    """The candidate's plan.

    Raises:
        LaunchError: if it cannot run on its devices, or does not fit them.
    """
    config = read(document)
    strategy = strategy_of(config, base.devices)
    checks.sections(config.everything, base.devices, strategy)
    found = plan.make(
        gate.recipe_of(document, base.devices.declared),
        base.devices,
        name=base.name,
        folder=base.folder,
        strategy=strategy,
        notes=(),
    )
    allowed = frozenset(each.code for each in verdict.allowed) | frozenset(policy.allow)
    checks.plan(found, allowed)
    return found
