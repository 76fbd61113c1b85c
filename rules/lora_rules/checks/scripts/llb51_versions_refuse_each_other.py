"""Rule LLB51, versions-refuse-each-other."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import is_loaded_model
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import VersionRange
from lora_rules.evidence import MINIMAL_PEFT
from lora_rules.program import Program

ASKED = (
    ("5.24", "0.22.0"),
    ("5.18", "0.20.0"),
    ("5.13", "0.19.1"),
    ("5.12", "0.19.0"),
    ("5.6", "0.18.2"),
    ("5.0", "0.18.0"),
    ("4.33", "0.5.0"),
)
"""From which transformers on ``add_adapter`` and ``load_adapter`` ask for which PEFT; newest first.
"""


@rule(
    "LLB51",
    Severity.ERROR,
    evidence=[
        MINIMAL_PEFT.says("MIN_PEFT_VERSION is checked first in add_adapter and load_adapter."),
    ],
    calls=("add_adapter", "load_adapter"),
)
def versions_refuse_each_other(
    program: Program, pinned_transformers: VersionRange, pinned_peft: VersionRange
) -> Iterator[Problem]:
    """The transformers that is pinned asks for a newer PEFT than the one that is pinned.

    ## What it checks
    `add_adapter` and `load_adapter` of a model of transformers, where the repository pins both
    transformers and PEFT. transformers asks there for PEFT 0.18 from 5.0 on, 0.18.2 from 5.6,
    0.19.1 from 5.13, 0.20 from 5.18, and 0.22 from 5.24 on; before for 0.5.

    ## Why it matters
    The call raises ValueError, "The version of PEFT you are using is not compatible", after the
    model has been loaded. `get_peft_model` is PEFT's own and asks for nothing.

    ## Bad
    ```python
    # /// script
    # dependencies = [
    #     "transformers==5.23.0",
    #     "peft==0.18.0",
    # ]
    # ///
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model.add_adapter(lora)  # LLB51: model.add_adapter(lora)
    ```

    ## Good
    ```python
    # /// script
    # dependencies = [
    #     "transformers==5.23.0",
    #     "peft==0.20.0",
    # ]
    # ///
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model.add_adapter(lora)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if pinned_transformers.at_commit or pinned_peft.at_commit:
        return
    least = next((p for t, p in ASKED if pinned_transformers.certainly_at_least(t)), None)
    if least is None or not pinned_peft.certainly_below(least):
        return
    calls = program.calls
    for call in calls.named(".add_adapter", ".load_adapter"):
        load = calls.maker(call.on)
        if call.on is None or call.on.wrapped or load is None or not is_loaded_model(load):
            continue
        yield Problem(
            call.span,
            f"transformers{_shown(pinned_transformers)} asks for PEFT {least} or newer here, and "
            f"PEFT{_shown(pinned_peft)} is pinned: ValueError.",
            help=f"Pin peft>={least}, or use get_peft_model.",
        )
        return


def _shown(pin: VersionRange) -> str:
    return f" {pin.exact}" if pin.exact else f"{pin}"
