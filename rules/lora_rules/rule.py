"""What a rule is: a function whose parameters name what it needs, registered under a code.

    @rule("LL101", Severity.ERROR, evidence=[PEFT_SOURCE])
    def zero_or_negative_alpha(lora_alpha: float) -> Iterator[Problem]:
        ...

The function's name is the rule's name; its docstring is its page; its keyword-only parameters are
its options, with their defaults. :mod:`lora_rules.needs` fills the positional ones.

The linter starts anew for every commit, and half of the rules have nothing to say of any one file.
So what a rule needs stands in :mod:`lora_rules.rule_index` too, and its module is imported once
all of that is there: ``tools/build_rule_index.py`` writes the index, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import cache
from importlib import import_module

from lora_rules.deferred import Deferred
from lora_rules.recipe import Span
from lora_rules.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lora_rules.evidence import Evidence


class Severity(IntEnum):
    """How bad a problem is."""

    INFO = 1
    """Worth knowing; taste, or evidence that is thin."""
    WARNING = 2
    """Probably not what was meant."""
    ERROR = 3
    """It will fail, or train nothing, or the measurement is overwhelming."""

    @property
    def word(self) -> str:
        """The severity in lower case, as it is printed."""
        return self.name.lower()


class Safety(IntEnum):
    """Whether a fix may be applied unasked."""

    UNSAFE = 1
    """It changes what the run does."""
    SAFE = 2
    """What ran before was a no-op or a failure."""


class Set(NamedTuple):
    """Give a setting this value."""

    setting: str
    value: object


class Remove(NamedTuple):
    """Take a setting out."""

    setting: str


class Rename(NamedTuple):
    """Write a key under another name; ``key`` is the key as written."""

    key: str
    to: str


class Add(NamedTuple):
    """Write a setting that is not there."""

    setting: str
    value: object


Edit = Set | Remove | Rename | Add


class Problem(NamedTuple):
    """What a rule found.

    ``at`` is the setting it stands at, or a place in the file; ``None`` is the recipe as a whole.
    """

    at: str | Span | None
    message: str
    severity: Severity | None = None
    """Only where it differs from the rule's own."""
    help: str = ""
    """What to do, in one sentence."""
    also: tuple[str | Span, ...] = ()
    """Other settings or places that take part."""
    edits: tuple[Edit, ...] = ()
    safety: Safety = Safety.UNSAFE


Check = Callable[..., Iterable[Problem]]


class Rule(NamedTuple):
    """A registered rule."""

    code: str
    name: str
    severity: Severity
    check: Check | Deferred
    preview: bool = False
    without_adapter: bool = False
    """Whether it also speaks where LoRA settings are written but LoRA is off."""
    sources: tuple[Evidence, ...] = ()
    """What it rests on, once its module is imported; ``evidence`` sees to that."""

    @property
    def function(self) -> Check:
        """The function itself, whose module is imported for it."""
        return self.check.load() if isinstance(self.check, Deferred) else self.check

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What it rests on."""
        if isinstance(self.check, Deferred) and not self.sources:
            self.check.load()
            return _registry[self.code].sources
        return self.sources

    @property
    def page(self) -> str:
        """The rule's page, in Markdown: the docstring, without its indentation."""
        from inspect import cleandoc  # imported here: pages are read rarely, rules always

        return cleandoc(self.function.__doc__ or "")

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    @property
    def options(self) -> Mapping[str, object]:
        """Each option's name and default."""
        return self.function.__kwdefaults__ or {}


FAMILIES = (
    "keys",
    "validity",
    "correctness",
    "ignored",
    "conflicts",
    "refused",
    "hygiene",
    "scaling",
    "rank",
    "capacity",
    "task",
    "dropout",
    "targets",
    "target_layers",
    "target_experts",
    "target_reach",
    "heads",
    "task_heads",
    "token_rows",
    "layer_kinds",
    "base_kinds",
    "memory",
    "quantization",
    "memory_traps",
    "memory_waste",
    "precision",
    "learning_rate",
    "step",
    "schedule",
    "saving",
    "epochs",
    "data",
    "packing",
    "length",
    "script_order",
    "script_tokens",
    "script_text",
    "script_quantized",
    "script_distributed",
    "script_setup",
    "script_gradients",
    "script_adapter",
)
"""The modules that hold rules, a family a module."""

_registry: dict[str, Rule] = {}
"""Every rule whose module has been imported."""


def rule(
    code: str,
    severity: Severity,
    *,
    evidence: Iterable[Evidence],
    preview: bool = False,
    without_adapter: bool = False,
) -> Callable[[Check], Check]:
    """Register the function below as a rule.

    Raises:
        ValueError: if the code is taken, or there is no evidence or no page.
    """
    sources = tuple(evidence)

    def register(check: Check) -> Check:
        name = check.__name__.replace("_", "-")
        if not sources:
            raise ValueError(f"{code} {name}: a rule needs evidence")
        if not check.__doc__:
            raise ValueError(f"{code} {name}: a rule needs a page (its docstring)")
        if _is_taken(code, name, check.__module__):
            raise ValueError(f"{code} {name}: that code or name is taken")
        _registry[code] = Rule(code, name, severity, check, preview, without_adapter, sources)
        return check

    return register


def _is_taken(code: str, name: str, module: str) -> bool:
    """Whether another rule has that code or name. Of ours, a test compares the names."""
    if code in _registry or module.startswith("lora_rules."):
        return code in _registry
    return any(code == other.code or name == other.name for other in all_rules().values())


def all_rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the codes."""
    return dict(sorted({**_registry, **_indexed()}.items()))


@cache
def _indexed() -> Mapping[str, Rule]:
    """Our own rules, whose modules need not be imported yet."""
    from lora_rules.rule_index import RULES

    return {
        code: Rule(
            code,
            function.replace("_", "-"),
            Severity(severity),
            Deferred(f"lora_rules.{family}", function, parameters, defaults),
            preview,
            without_adapter,
        )
        for (
            code,
            family,
            function,
            severity,
            parameters,
            defaults,
            preview,
            without_adapter,
        ) in RULES
    }


def imported_rules() -> Mapping[str, Rule]:
    """Our own rules as their modules say them, for the index and its test."""
    for family in FAMILIES:
        import_module(f"lora_rules.{family}")
    ours = {f"lora_rules.{family}" for family in FAMILIES}
    found = {code: each for code, each in _registry.items() if each.function.__module__ in ours}
    return dict(sorted(found.items()))
