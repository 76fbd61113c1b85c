"""Rule LL413, exclude-modules-without-effect."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
from lora_rules.checks.targets.target_layers import has, names


@rule(
    "LL413",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "inject_adapter warns where exclude_modules excluded nothing, and raises where no "
            "module is left."
        ),
    ],
)
def exclude_modules_without_effect(
    targeted: Targeted, exclude_modules: list[str] | str, target_modules: list[str] | str
) -> Iterator[Problem]:
    """An exclusion that excludes nothing, or everything.

    ## What it checks
    `exclude_modules` takes out nothing of the base model, or a name that the targets also list, or
    every target.

    ## Why it matters
    A name that fits nothing leaves the modules in that were to be left out; PEFT warns of it in the
    middle of a log. If nothing remains, PEFT raises.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        exclude_modules=["vision_tower"],  # LL413: ["vision_tower"]
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        exclude_modules=["k_proj"],
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When one configuration is shared by models with and without the excluded modules.

    ## Options
    None.
    """
    if not exclude_modules or targeted.half_fused or exclude_modules in (".*", ".+"):
        return
    both = _in_both(target_modules, exclude_modules)
    if both and not isinstance(target_modules, str) and len(both) == len(list(target_modules)):
        return  # LL011 says so, whatever the model is
    both = [name for name in names(targeted) if name in both or _is_emptied(targeted, name)]
    if targeted.nothing and targeted.taken_out:
        yield Problem(
            "exclude_modules",
            "exclude_modules takes out every target: PEFT raises, no module is left to adapt.",
            severity=targeted.inventory.worst(Severity.ERROR),
            also=("target_modules",),
        )
    elif not targeted.nothing and not targeted.excludes:
        yield Problem(
            "exclude_modules",
            "exclude_modules fits no module of the model: nothing is left out.",
            help=_paths_help(exclude_modules, targeted),
        )
    elif both:
        yield Problem(
            "exclude_modules",
            f"{', '.join(both)} of target_modules is excluded everywhere: it gets no adapter.",
            help="Name it in one of the two.",
            also=("target_modules",),
        )


def _in_both(target: list[str] | str, excluded: list[str] | str) -> list[str]:
    if isinstance(target, str) or isinstance(excluded, str):
        return []
    return [name for name in target if name in excluded]


def _is_emptied(targeted: Targeted, name: str) -> bool:
    """Whether every module of that name is taken out."""
    return has(targeted.taken_out, name) and not has(targeted.adapted, name)


def _paths_help(excluded: list[str] | str, targeted: Targeted) -> str:
    if isinstance(excluded, str) and targeted.adapted:
        return f"A text is matched against whole paths, such as {targeted.adapted[0]!r}."
    return "Remove it, or correct the name."
