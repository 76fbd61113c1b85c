"""How NeMo Automodel behaves."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A recipe that NeMo Automodel reads."""

    supervised = True

    def derive(self, draft: Draft) -> None:
        """``match_all_linear`` overrides the patterns, and takes the output head too."""
        found = draft.find(["peft.match_all_linear"])
        if found is not None and draft.plain("peft.match_all_linear") is True:
            draft.conclude("target_modules", "all-linear", found, "match_all_linear: true")
        elif "exclude_modules" in draft.settings and "target_modules" not in draft.settings:
            excluded = draft.find(["peft.exclude_modules"])
            if excluded is not None:
                source = "all but exclude_modules"
                draft.conclude("target_modules", "all-linear", excluded, source)
