"""Rule LLB07, quantization-keyword-removed."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    argument_is,
    has_own_code,
    is_loaded_model,
)
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import RELEASES_READ, SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LLB07",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says("from_pretrained raises TypeError for load_in_4bit, whatever its value."),
        RELEASES_READ.says(
            "transformers 4.57.1 takes load_in_4bit from the keywords; its defaults are fp4 and "
            "a compute dtype of float32."
        ),
    ],
    of_records=True,
)
def quantization_keyword_removed(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """`load_in_4bit` or `load_in_8bit` is given to a model, which transformers 5 refuses.

    ## What it checks
    `from_pretrained(..., load_in_4bit=...)` or `load_in_8bit` of a transformers model, whatever the
    value.

    - An error where the repository or the notebook allows transformers 5 only (`==5.0.0`, `>=5.1`),
      a warning where it allows older ones too.
    - Not checked where it allows older ones only (`<5`), and with `trust_remote_code`.

    ## Why it matters
    Since transformers 5 the keyword is no longer taken out and reaches the model's constructor,
    which raises TypeError. Version 4 read it, with fp4 and float32 as its silent companions.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        load_in_8bit=True,  # LLB07: True
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    model = AutoModelForCausalLM.from_pretrained(
        "meta-llama/Llama-3.1-8B",
        quantization_config=BitsAndBytesConfig(load_in_8bit=True),
    )
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    When transformers 4 is installed: pin it, and the linter knows.

    ## Options
    None.
    """
    for call in program.calls.last_named("from_pretrained"):
        if not is_loaded_model(call) or has_own_code(call):
            continue
        given = [name for name in ("load_in_4bit", "load_in_8bit") if name in call.arguments]
        if not given:
            continue
        certain = pinned_transformers.certainly_at_least("5")
        if not (pinned_transformers.certainly_below("5") or pinned_transformers.at_commit):
            name = next((n for n in given if argument_is(call.arguments[n], True)), given[0])
            off = argument_is(call.arguments[name], False)
            config = f"quantization_config=BitsAndBytesConfig({name}=...)"
            yield Problem(
                call.arguments[name].span,
                f"from_pretrained of transformers 5 raises TypeError for {name}"
                + ("." if certain else ", and no older version is pinned."),
                severity=Severity.ERROR if certain else None,
                help="Leave it out." if off else f"Pass {config}.",
            )
