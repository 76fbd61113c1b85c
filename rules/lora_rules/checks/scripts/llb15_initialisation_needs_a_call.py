"""Rule LLB15, initialisation-needs-a-call."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted, is_unknown
from lora_rules.engine._startup.typed import NamedTuple
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program


class Preparation(NamedTuple):
    """What an initialisation needs beside its name in the configuration."""

    function: str
    severity: Severity
    otherwise: str


PREPARATIONS = {
    "corda": Preparation("preprocess_corda", Severity.ERROR, "get_peft_model raises ValueError"),
    "lora_ga": Preparation(
        "preprocess_loraga", Severity.WARNING, "PEFT falls back to its usual initialisation"
    ),
    "eva": Preparation(
        "initialize_lora_eva_weights", Severity.WARNING, "PEFT keeps its usual initialisation"
    ),
}


@rule(
    "LLB15",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "Without its call CorDA raises and names preprocess_corda; lora_ga and eva start "
            "with B at zero."
        ),
    ],
)
def initialisation_needs_a_call(
    outline: Outline,
    framework: Behaviour,
    init_lora_weights: str,
    program: Program | None = None,
) -> Iterator[Problem]:
    """An initialisation from data is asked for, and the data is never shown to it.

    ## What it checks
    `init_lora_weights` is "corda", "lora_ga" or "eva" in a script that adapts a model with it and
    never makes the call that shows it data.

    - The calls: `preprocess_corda`, `preprocess_loraga`, `initialize_lora_eva_weights`.
    - A file of lora-launch likewise, which makes none of them.

    ## Why it matters
    These methods look at activations or gradients of a few batches. The configuration only names
    the method; the batches come with a call of its own. Without it CorDA raises ValueError, and the
    other two train a LoRA whose B is zero, as the default has it, without a word.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights="lora_ga",  # LLB15: "lora_ga"
    )
    model = get_peft_model(model, lora)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora.loraga import preprocess_loraga
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights="lora_ga",
    )
    preprocess_loraga(model, lora, train_step)
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    When the base was preprocessed and saved by another script.

    ## Options
    None.
    """
    needs = PREPARATIONS.get(init_lora_weights)
    if needs is not None and not framework.prepares_initialisation:
        yield Problem(
            "init_lora_weights",
            f"{framework.label} never calls {needs.function}: {needs.otherwise}.",
            severity=needs.severity,
            help="Take another initialisation.",
        )
        return
    if needs is None or program is None or outline.callee != "peft.LoraConfig":
        return
    calls = program.calls
    config = calls.configuration(outline.span)
    models = [model for _, model in adapted(calls, outline.span)]
    if not models or config is None or config.made is None or calls.last_named(needs.function):
        return
    if any(calls.places(is_unknown, thing) for thing in (config.made, *models)):
        return
    yield Problem(
        "init_lora_weights",
        f"the script never calls {needs.function}: {needs.otherwise}.",
        severity=needs.severity,
        help=f"Call {needs.function} with the model and a few batches.",
    )
