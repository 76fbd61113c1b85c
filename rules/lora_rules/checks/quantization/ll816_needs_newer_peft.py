"""Rule LL816, needs-newer-peft."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.injection import Lazy
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown
from lora_rules.engine.version_range import VersionRange
from lora_rules.evidence import OLD_PEFT_ISSUES, RELEASES_READ

_SINCE = {"gptq": "0.5", "awq": "0.9", "aqlm": "0.9", "hqq": "0.11", "eetq": "0.11"}
"""The PEFT that began to put LoRA on layers quantized by a method."""
_DORA = "0.10"


@rule(
    "LL816",
    Severity.ERROR,
    evidence=[
        RELEASES_READ.says(
            "tuners/lora has layers for GPTQ from 0.5 on, for AWQ and AQLM from 0.9, for HQQ and "
            "EETQ from 0.11; DoRA on layers of bitsandbytes from 0.10."
        ),
        OLD_PEFT_ISSUES.says(
            "Linear4bit does not support DoRA yet; Target module WQLinear_GEMM is not supported."
        ),
    ],
)
def needs_newer_peft(
    pinned_peft: VersionRange,
    checkpoint_quantization: Lazy,
    use_dora: bool = False,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
) -> Iterator[Problem]:
    """The pinned PEFT cannot put this adapter on a quantized base.

    ## What it checks
    PEFT is pinned below the version that brought what the run needs.

    - `use_dora` on a base in 4 or 8 bits: 0.10.
    - A checkpoint stored as GPTQ: 0.5; AWQ or AQLM: 0.9; HQQ or EETQ: 0.11. A warning where only
      the model's name says so.

    ## Why it matters
    PEFT replaces a quantized layer by one of its own for that method. A version that has none
    raises ValueError when the adapter is added: "Linear4bit does not support DoRA yet", "Target
    module is not supported".

    ## Bad
    ```python
    # /// script
    # dependencies = [
    #   "peft==0.8.2",
    # ]
    # ///
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    name = "TheBloke/Mistral-7B-v0.1-AWQ"
    model = AutoModelForCausalLM.from_pretrained(name)  # LL816: name
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## Good
    ```python
    # /// script
    # dependencies = [
    #   "peft==0.17.0",
    # ]
    # ///
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    name = "TheBloke/Mistral-7B-v0.1-AWQ"
    model = AutoModelForCausalLM.from_pretrained(name)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    When another PEFT is installed than the one that is pinned.

    ## Options
    None.
    """
    if pinned_peft.at_commit or not pinned_peft.bounded:
        return
    if use_dora and (load_in_4bit or load_in_8bit) and pinned_peft.certainly_below(_DORA):
        yield Problem(
            "use_dora",
            f"PEFT is pinned below {_DORA}, which has no DoRA for layers of bitsandbytes: "
            "ValueError.",
            help=f"Ask for peft>={_DORA}.",
        )
    try:
        stored = checkpoint_quantization()
    except Unknown:
        return
    since = _SINCE.get(stored.method, "")
    if since and pinned_peft.certainly_below(since):
        yield Problem(
            "model_name_or_path",
            f"PEFT is pinned below {since}, which has no LoRA for layers of "
            f"{stored.method.upper()}: ValueError.",
            severity=None if stored.certain else Severity.WARNING,
            help=f"Ask for peft>={since}.",
        )
