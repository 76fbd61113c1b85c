"""Rule LLB35, base-changed-by-first-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import does, has_effect
from lora_rules.engine.effects import LOADS
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Span, Thing

_CHANGING = {"pissa": "PiSSA", "olora": "OLoRA"}
_CONVERSION = "path_initial_model_for_weight_conversion"


@rule(
    "LLB35",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A second PiSSA or OLoRA adapter on a base that already got one gives other answers "
            "than on a fresh base, also after unload(); a plain LoRA adapter the same."
        )
    ],
    of_records=True,
    calls=("peft.PeftModel", "peft.AutoPeftModel", "load_adapter"),
)
def base_changed_by_first_adapter(program: Program, init_lora_weights: Value) -> Iterator[Problem]:
    """A second adapter is loaded onto a base that a PiSSA or OLoRA adapter has changed.

    ## What it checks
    A program that configures `init_lora_weights="pissa"` or `"olora"`, and loads a second adapter
    onto the same model object, or one in each pass of a loop.

    - Left out where an adapter is saved with `path_initial_model_for_weight_conversion`.

    ## Why it matters
    Both initialisations move a part of each adapted weight into LoRA's matrices, and leave the rest
    in the base. Loading such an adapter does it again, in place, so the next one is added to what
    the first has left, and gives other answers than on a fresh base. `unload()` does not undo it.

    ## Bad
    ```python
    from peft import LoraConfig, PeftModel
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(
        r=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights="pissa"
    )
    train(lora)
    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    for path in ("first", "second"):
        model = PeftModel.from_pretrained(base, path)  # LLB35
        evaluate(model)
    ```

    ## Good
    ```python
    from peft import LoraConfig, PeftModel
    from transformers import AutoModelForCausalLM

    lora = LoraConfig(
        r=16, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights="pissa"
    )
    train(lora)
    for path in ("first", "second"):
        base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
        model = PeftModel.from_pretrained(base, path)
        evaluate(model)
    ```

    ## When to ignore it
    When the adapters that are loaded were not trained with this configuration.

    ## Options
    None.
    """
    calls = program.calls
    kind = init_lora_weights.value if isinstance(init_lora_weights, Known) else None
    name = _CHANGING.get(kind.partition("_")[0]) if isinstance(kind, str) else None
    if name is None or any(_CONVERSION in call.arguments for call in calls):
        return
    reported: set[Span] = set()
    for load in calls:
        role = "" if load.name.startswith(".") else "model"
        model = load.on if role == "" else load.things.get("model")
        if model is None or not has_effect(load, LOADS) or load.span in reported:
            continue
        before = calls.last(load.histories.get(role), _loads)
        first = next((call for call in before if call is not None), None)
        if None in before:
            first = load if _is_repeated(calls, load, model) else None
        if first is not None:
            reported.add(load.span)
            where = "in the pass before" if first is load else f"at line {first.span.line}"
            yield Problem(
                load.span,
                f"the base was changed when an adapter was loaded onto it {where}: {name} leaves "
                "only a part of each weight in it, and the next adapter is added to that.",
                help="Load the base afresh for each adapter, or convert the adapters to plain "
                f"LoRA when they are saved ({_CONVERSION}).",
                also=("init_lora_weights",),
            )


def _loads(call: Call, model: Thing) -> bool:
    return does(call, model, LOADS)


def _is_repeated(calls: Calls, load: Call, model: Thing) -> bool:
    """Whether it is done in each pass of a loop, onto an object that was made before the loop."""
    made = calls.maker(Thing(model.number))
    loops = {arm for arm in load.branch if arm < 0}
    return made is not None and not model.part and bool(loops - set(made.branch))
