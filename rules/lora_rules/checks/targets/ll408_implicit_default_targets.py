"""Rule LL408, implicit-default-targets."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.targets.target_names import in_transformers_5
from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import HU_2021, PEFT_SOURCE

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted

EVERYTHING = ', or write target_modules="all-linear".'


@rule(
    "LL408",
    Severity.INFO,
    evidence=[
        PEFT_SOURCE.says(
            "TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING has q_proj and v_proj for "
            "most types; for a type that it lacks, PEFT raises ValueError."
        ),
        HU_2021.says("Adapts only the attention weights, and freezes the MLP."),
    ],
)
def implicit_default_targets(
    targeted: Targeted, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """No targets are named, so PEFT picks them, or raises.

    ## What it checks
    `target_modules` is not given and the base model is known, so that PEFT 0.21.2 takes its default
    for the model's type.

    - An error where PEFT has no default for the type.
    - Where the type's experts are fused since transformers 5, its default is lost: an error if 5 is
      pinned, else a warning.

    ## Why it matters
    For most language models the default is the query and value projections, the choice of 2021: a
    fraction of what current recipes adapt. For the types that PEFT's table lacks (Phi-3, OLMo 2,
    Granite, ViT, Whisper and others) it raises ValueError after the model has been loaded.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
    config = LoraConfig(r=16, lora_alpha=32)  # LL408
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("microsoft/Phi-3-mini-4k-instruct")
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    An info: when that default is what you want. An error: never.

    ## Options
    None.
    """
    if targeted.written is not None or targeted.refused:
        return
    inventory = targeted.inventory
    if targeted.nothing and not targeted.without_layers and not targeted.taken_out:
        yield Problem(
            None,
            f"no target_modules, and PEFT 0.21.2 has no default for {inventory.model_type}: it "
            "raises ValueError.",
            severity=inventory.worst(
                in_transformers_5(pinned_transformers, Severity.ERROR)
                if inventory.has_experts
                else Severity.ERROR
            ),
            help="Name the modules" + (EVERYTHING if inventory.exact else "."),
        )
    elif targeted.adapted:
        names = sorted({path.rpartition(".")[2] for path in targeted.adapted})
        yield Problem(
            None,
            f"no target_modules: PEFT takes {', '.join(names)} of {inventory.model_type}.",
            help="Name the modules" + EVERYTHING,
        )
