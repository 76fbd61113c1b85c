"""Profiles: a name for what is checked, how severely, and with which limits.

``[tool.lora-lint] profile = "modern"``, or ``--profile modern``. A profile is a starting point:
``select``, ``ignore`` and the options of the settings and the command line come on top of it. Each
follows one school of thought, and says which (rules.md of the research, section A.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lora_rules.engine._startup.typed import Any, NamedTuple
from lora_rules.engine.problem import Severity
from lora_rules.engine.rule import Rule


class Profile(NamedTuple):
    """What a profile changes against the default."""

    about: str
    """Whom it suits, in a sentence."""
    off: tuple[str, ...] = ()
    """Rules that do not run."""
    severities: Mapping[str, Severity] = {}
    """A rule's own severity; what a rule grades itself, by how bad it is, stays as it is."""
    options: Mapping[str, Mapping[str, Any]] = {}
    measured: bool = False
    """Only rules whose first source is of tier A, B or C."""
    from_warning: bool = False
    """Never anything below a warning."""


_WARNING, _INFO = Severity.WARNING, Severity.INFO

PROFILES: Mapping[str, Profile] = {
    "default": Profile("every rule as its page describes it"),
    "classic": Profile(
        "the conventions of most guides: alpha from r / 2 to 2 r, attention targets, rank bands",
        off=("LL106", "LL401"),
        severities={"LL208": _WARNING},
        options={"LL102": {"min": 0.5, "max": 2.0}},
    ),
    "modern": Profile(
        "LoRA Without Regret: all linear layers, alpha fixed while r moves, ten times the learning "
        "rate of full fine-tuning, batches of 32 and fewer",
        off=("LL208",),
        severities={"LL301": _INFO, "LL401": _WARNING, "LL804": _WARNING},
        options={"LL804": {"max": 32}},
    ),
    "qlora": Profile(
        "the QLoRA paper: NF4 with double quantization, every linear layer",
        off=("LL506",),
        severities={"LL401": _WARNING, "LL503": _WARNING},
    ),
    "rl": Profile(
        "rewards and preferences: low ranks, and learning rates a tenth of supervised ones",
        off=("LL201", "LL301", "LL805", "LL806", "LL906"),
        severities={"LL206": _WARNING, "LL803": _WARNING},
        options={
            "LL103": {"min": 3e-5, "max": 0.01},
            "LL206": {"max_rank": 32},
            "LL801": {"min": 2e-6, "usual": 5e-6},
            "LL802": {"max": 1e-4},
        },
    ),
    "ci": Profile(
        "for a gate: warnings and errors only, and no rule that rests on a convention",
        measured=True,
        from_warning=True,
    ),
}


def is_off(rule: Rule, profile: Profile) -> bool:
    """Whether a profile leaves a rule out."""
    if rule.code in profile.off or (profile.measured and rule.tier > "C"):
        return True
    return profile.from_warning and graded(rule, profile).severity < Severity.WARNING


def graded(rule: Rule, profile: Profile) -> Rule:
    """A rule with the severity that a profile gives it."""
    severity = profile.severities.get(rule.code)
    return rule if severity is None else rule._replace(severity=severity)


def in_profile(rules: Iterable[Rule], profile: Profile) -> tuple[Rule, ...]:
    """The rules that run in a profile, with its severities."""
    return tuple(graded(rule, profile) for rule in rules if not is_off(rule, profile))


def changes(rules: Iterable[Rule], name: str) -> str:
    """What a profile changes against the default, in lines."""
    profile = PROFILES[name]
    known = tuple(rules)
    off = [rule.code for rule in known if is_off(rule, profile)]
    lines = [f"{name}: {profile.about}"]
    if off:
        lines.append(f"  off: {', '.join(off)}")
    for rule in known:
        severity = profile.severities.get(rule.code)
        if severity is not None and rule.code not in off:
            lines.append(f"  {rule.code} {rule.name}: {severity.word}, not {rule.severity.word}")
        for option, value in profile.options.get(rule.code, {}).items():
            default = rule.options.get(option)
            lines.append(f"  {rule.code} {rule.name}: {option} = {value}, not {default}")
    return "\n" + "\n".join(lines) + "\n"


def described() -> str:
    """Every profile and whom it suits, a line each, for the help."""
    width = max(map(len, PROFILES))
    return "\n".join(f"  {name:<{width}}  {profile.about}" for name, profile in PROFILES.items())
