"""Rule LLB19, resize-after-adapter."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB19",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "Resizing raises TypeError after modules_to_save and after trainable_token_indices."
        ),
    ],
    calls=("resize_token_embeddings",),
)
def resize_after_adapter(
    program: Program, outline: Outline, modules_to_save: Value, trainable_token_indices: Value
) -> Iterator[Problem]:
    """The embedding is resized after the adapter took it over.

    ## What it checks
    `model.resize_token_embeddings` after `get_peft_model` with a LoraConfig whose `modules_to_save`
    names `embed_tokens` or `lm_head`, or that has `trainable_token_indices`.

    ## Why it matters
    PEFT has put a wrapper in the place of the layer, and transformers cannot resize a wrapper: it
    raises TypeError, "Old embeddings are of type ..." or "Old language model head is of type ...".

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B")
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, lora)
    model.resize_token_embeddings(128300)  # LLB19: model.resize_token_embeddings(128300)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B")
    model.resize_token_embeddings(128300)
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, lora)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    if outline.callee != "peft.LoraConfig":
        return
    if not _saves_embedding(modules_to_save) and not _is_on(trainable_token_indices):
        return
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        if use.name != "peft.get_peft_model":
            continue
        for place in calls.places(_resizes_or_unwraps, model):
            call = calls[place]
            if place < calls.position(use):
                continue
            if call.name != ".resize_token_embeddings":
                break
            if use.certain_after(call):
                yield Problem(
                    call.span,
                    f"PEFT wrapped the embedding at line {use.span.line}, and transformers cannot "
                    "resize the wrapper: TypeError.",
                    help="Resize before get_peft_model.",
                    also=(use.span,),
                )


def _resizes_or_unwraps(call: Call, model: Thing) -> bool:
    names = (".resize_token_embeddings", ".merge_and_unload", ".unload")
    return call.name in names and call.on == model


def _is_on(value: Value) -> bool:
    return isinstance(value, Known) and bool(value.value)


def _saves_embedding(saved: Value) -> bool:
    names = saved.value if isinstance(saved, Known) and isinstance(saved.value, list) else []
    return not {"embed_tokens", "lm_head"}.isdisjoint(names)
