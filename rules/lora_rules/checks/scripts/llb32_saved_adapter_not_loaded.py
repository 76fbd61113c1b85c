"""Rule LLB32, saved-adapter-not-loaded."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import does, given, has_effect, is_optimizer, is_unknown, of
from lora_rules.engine.effects import ACTIVATES, LOADS, REPLACES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing

_USES = (".eval", ".generate", ".__call__", ".forward", ".merge_and_unload")
_TRAINS = (".train", ".backward", ".step", ".fit", ".prepare")


@rule(
    "LLB32",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "get_peft_model with the configuration of a saved adapter makes a new adapter, frozen "
            "and without effect: the answers are the base model's."
        )
    ],
    of_records=True,
    calls=("get_peft_model",),
)
def saved_adapter_not_loaded(program: Program) -> Iterator[Problem]:
    """The configuration of a saved adapter is loaded, and its weights are not.

    ## What it checks
    `get_peft_model` with what `PeftConfig.from_pretrained` returned, whose model then answers or is
    merged, while nothing trains it or loads weights into it.

    ## Why it matters
    A configuration holds no weights. `get_peft_model` makes a new adapter of that shape, which
    changes nothing: the answers are the base model's. PEFT says nothing. The new adapter is frozen
    too, because the configuration of a saved adapter says `inference_mode: true`.

    ## Bad
    ```python
    from peft import PeftConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = PeftConfig.from_pretrained("my-adapter")
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
    model = get_peft_model(base, config)  # LLB32: get_peft_model(base, config)
    model.eval()
    ```

    ## Good
    ```python
    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM

    config = PeftConfig.from_pretrained("my-adapter")
    base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
    model = PeftModel.from_pretrained(base, "my-adapter")
    model.eval()
    ```

    ## When to ignore it
    When speed or memory is measured, or the weights are loaded in another file.

    ## Options
    None.
    """
    calls = program.calls
    for wrap in calls.named("peft.get_peft_model"):
        config = calls.maker(wrap.things.get("peft_config"))
        if config is None or wrap.made is None or not _loads_config(config):
            continue
        if calls.places(_changes_mode, config.made or wrap.made):
            continue
        if calls.any_between(_may_load_or_train, wrap.made, wrap, None):
            continue
        if any(call.name in _TRAINS for call in calls[calls.position(wrap) :]):
            continue
        if calls.any_between(_uses, wrap.made, wrap, None):
            yield Problem(
                wrap.span,
                f"the saved adapter's configuration (line {config.span.line}) holds no weights: "
                "get_peft_model makes a new adapter, which changes nothing.",
                help="Load it with PeftModel.from_pretrained(base, path).",
                also=(config.span,),
            )


def _loads_config(call: Call) -> bool:
    return call.name.startswith("peft.") and call.name.endswith("Config.from_pretrained")


def _changes_mode(call: Call, config: Thing) -> bool:
    return call.name == "=inference_mode" and call.on == config


def _may_load_or_train(call: Call, model: Thing) -> bool:
    if is_unknown(call, model) or call.name == "=data" or is_optimizer(call):
        return True
    if call.name.endswith("Trainer"):
        return given(call, model)
    if call.name.startswith(".") and has_effect(call, LOADS, ACTIVATES, REPLACES):
        return of(call, model) or given(call, model)
    return does(call, model, LOADS, REPLACES)


def _uses(call: Call, model: Thing) -> bool:
    return call.name in _USES and call.on == model
