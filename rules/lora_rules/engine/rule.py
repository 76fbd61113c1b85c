"""What a rule is: a function whose parameters name what it needs, registered under a code.

    @rule("LL101", Severity.ERROR, evidence=[PEFT_SOURCE.says("…")])
    def zero_or_negative_alpha(lora_alpha: float) -> Iterator[Problem]:
        ...

The function's name is the rule's name; its docstring is its page; its keyword-only parameters are
its options, with their defaults. :mod:`lora_rules.engine.injection` fills the positional ones, and
:mod:`lora_rules.engine.registry` holds all rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.lazy_rule import Deferred
from lora_rules.engine.problem import Problem, Severity

if TYPE_CHECKING:
    from lora_rules.engine.keys import KeyPage
    from lora_rules.evidence import Citation


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
    of_records: bool = False
    """Whether it also speaks of what is trained already: of how it is used, not how to train it."""
    calls: tuple[str, ...] = ()
    """The last parts of names, or with a dot how names begin: it speaks only of scripts that make
    such a call. Empty if it need not be one."""

    @property
    def function(self) -> Check:
        """The function itself, whose module is imported for it."""
        return self.check.load() if isinstance(self.check, Deferred) else self.check

    @property
    def evidence(self) -> tuple[Citation, ...]:
        """What it rests on."""
        citations: tuple[Citation, ...] = getattr(self.function, "evidence", ())
        return citations

    @property
    def tier(self) -> str:
        """How strong its evidence is, from A to F (:data:`lora_rules.evidence.TIERS`)."""
        from lora_rules.evidence import strength  # imported here: a linter's run asks for no tier

        return strength(self.evidence)

    @property
    def keys(self) -> Mapping[str, KeyPage]:
        """What is to be said of each of its refusals, by key; empty for most rules."""
        pages: Callable[[], Iterable[KeyPage]] | None = getattr(self.function, "keys", None)
        return dict(sorted((page.key, page) for page in pages())) if pages is not None else {}

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
