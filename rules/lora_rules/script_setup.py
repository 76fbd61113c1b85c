"""What a script does, or leaves out, while it sets the model up."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    adapted,
    before,
    is_unknown,
    peft_wraps,
)
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.recipe import Call, Recipe, Span
from lora_rules.rule import Problem, Severity, rule
from lora_rules.typed import NamedTuple

Calls = tuple[Call, ...]


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


@rule("LLB15", Severity.WARNING, evidence=[PEFT_SOURCE, SCRIPT_RUNS])
def initialisation_needs_a_call(recipe: Recipe, init_lora_weights: str) -> Iterator[Problem]:
    """An initialisation from data is asked for, and the data is never shown to it.

    ## What it checks
    `init_lora_weights` is "corda", "lora_ga" or "eva" in a script that adapts a model with it and
    calls neither `preprocess_corda`, `preprocess_loraga` nor `initialize_lora_eva_weights`; or in
    a file of lora-launch, which calls none of them.

    ## Why it matters
    These methods look at activations or gradients of a few batches. The configuration only names
    the method; the batches come with a call of its own. Without it CorDA raises, and the other two
    train an ordinary LoRA without a word.

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
    if needs is not None and recipe.dialect == "lora-launch":
        yield Problem(
            "init_lora_weights",
            f"lora-launch never calls {needs.function}: {needs.otherwise}.",
            severity=needs.severity,
            help="Take another initialisation.",
        )
        return
    if needs is None or recipe.callee != "peft.LoraConfig":
        return
    calls = recipe.calls
    config = next((c for c in calls if c.span == recipe.span), None)
    uses = list(adapted(recipe))
    if not uses or config is None or config.made is None:
        return
    for call in calls:
        if call.name.rpartition(".")[2] == needs.function:
            return
        if is_unknown(call, config.made) or any(is_unknown(call, model) for _, model in uses):
            return
    yield Problem(
        "init_lora_weights",
        f"the script never calls {needs.function}: {needs.otherwise}.",
        severity=needs.severity,
        help=f"Call {needs.function} with the model and a few batches.",
    )


@rule("LLB16", Severity.WARNING, evidence=[SCRIPT_RUNS])
def value_of_a_mutator(script: Recipe) -> Iterator[Problem]:
    """A setting is given what `list.append` returns, which is None.

    ## What it checks
    A setting whose value is a call of `append`, `extend`, `insert`, `remove`, `sort`, `reverse`,
    `update` or `clear` on a list, dict or set of the file.

    ## Why it matters
    These methods change their object and return None. `modules_to_save=names.append("score")`
    leaves `modules_to_save` at None, and the head that was to be trained stays frozen (peft#577).

    ## Bad
    ```python
    from peft import LoraConfig

    names = ["q_proj", "v_proj"]
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=names.append("o_proj"),  # LLB16: names.append("o_proj")
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig

    names = ["q_proj", "v_proj"]
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=[*names, "o_proj"],
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    for setting in script.settings.values():
        if setting.candidates == (None,) and setting.source.endswith("` returns None"):
            severe = setting.name in ("modules_to_save", "target_modules")
            yield Problem(
                setting.name,
                f"{setting.key} is None: that method changes its object and returns nothing.",
                severity=Severity.ERROR if severe else None,
                help="Change the list first, and pass the list.",
            )


@rule("LLB17", Severity.INFO, evidence=[SCRIPT_RUNS])
def legacy_state_dict_patch(script: Recipe) -> Iterator[Problem]:
    """`model.state_dict` is replaced to save only the adapter, which PEFT does by itself.

    ## What it checks
    An assignment to `state_dict` of a model that came out of `get_peft_model`.

    ## Why it matters
    Scripts of early 2023 needed it. With versions of PEFT between, it saved empty adapters
    (alpaca-lora#539, peft#286). PEFT 0.21.2 saves the same with it and without it.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    old = model.state_dict
    model.state_dict = lambda *_, **__: get_peft_model_state_dict(model, old())  # LLB17
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-8B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    model.save_pretrained("adapter")
    ```

    ## When to ignore it
    When PEFT is pinned to 0.2 or 0.3.

    ## Options
    None.
    """
    calls = script.calls
    wrapped = {wrap.made for wrap in peft_wraps(calls)}
    told: set[Span] = set()
    for call in calls:
        if call.name != "=state_dict" or call.on not in wrapped or call.span in told:
            continue
        if any(wrap.made == call.on for wrap in peft_wraps(before(calls, call))):
            told.add(call.span)
            yield Problem(
                call.span,
                "PEFT saves only the adapter without this patch.",
                help="Take it out, and call model.save_pretrained(...).",
            )
