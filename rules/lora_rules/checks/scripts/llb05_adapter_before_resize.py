"""Rule LLB05, adapter-before-resize."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    adapter_loads,
    frees,
    has_effect,
    is_adapter_load,
    same_argument,
)
from lora_rules.checks.scripts.vocabulary import (
    grows,
    resizes,
    tokenizer_behind,
    tokens_added_before,
)
from lora_rules.engine.effects import RESIZES
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call, Thing


@rule(
    "LLB05",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "An adapter with embeddings of a resized model raises size mismatch on one that is "
            "not; an id beyond the embedding raises IndexError."
        ),
        SCRIPT_RUNS.says(
            "An adapter of a resized base brings its embedding, saved unasked, and does not fit "
            "the base as it was: PeftModel.from_pretrained and load_adapter raise RuntimeError."
        ),
    ],
    of_records=True,
    calls=("resize_token_embeddings", "setup_chat_format", "clone_chat_template"),
)
def adapter_before_resize(program: Program) -> Iterator[Problem]:
    """An adapter is loaded onto a base whose embedding was not resized for the added tokens.

    ## What it checks
    A script that adds tokens and resizes a model for them, then loads a base afresh and calls
    `PeftModel.from_pretrained` or `load_adapter` on that one without resizing it.

    - Likewise an adapter that is loaded onto the base as it was, while the embedding gets the size
      of the tokenizer in the adapter's folder afterwards.

    ## Why it matters
    If the adapter was trained with the new tokens and holds their embeddings, loading raises "size
    mismatch" (peft#1457, #2290). PEFT saves them unasked with an adapter of a resized model. If it
    does not hold them, the new ids lie beyond the embedding, and the first batch with one of them
    fails: IndexError on a CPU.

    ## Bad
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    tokenizer.add_tokens(["<tool>"])
    first = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    first.resize_token_embeddings(len(tokenizer))
    train(first, tokenizer)

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    model = PeftModel.from_pretrained(base, "my-adapter")  # LLB05
    ```

    ## Good
    ```python
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    tokenizer.add_tokens(["<tool>"])
    first = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    first.resize_token_embeddings(len(tokenizer))
    train(first, tokenizer)

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    base.resize_token_embeddings(len(tokenizer))
    model = PeftModel.from_pretrained(base, "my-adapter")
    ```

    ## When to ignore it
    When the model's embedding has spare rows and the adapter was trained without a resize.

    ## Options
    None.
    """
    calls = program.calls
    for load in [*adapter_loads(calls), *calls.named(".load_adapter")]:
        model = load.on if load.name == ".load_adapter" else load.made
        base = calls.maker(model)
        if model is None or base is None or base is load or model.part:
            continue
        if not base.name.endswith(".from_pretrained") or is_adapter_load(base):
            continue
        if calls.any_between(resizes, model, None, load):
            continue
        problem = _trained_on_more(calls, load, model) or _resized_after(calls, load, model)
        if problem is not None:
            yield problem


def _trained_on_more(calls: Calls, load: Call, model: Thing) -> Problem | None:
    """The script itself resized another model for tokens that it added."""
    added = tokens_added_before(calls, load)
    resized = min(calls.where(_resizes_any), default=len(calls))
    if added is None or resized > calls.position(load):
        return None
    if calls.any_between(frees, model, None, load):
        return None
    return Problem(
        load.span,
        f"tokens were added at line {added.span.line}, but the base model keeps the embedding that "
        "it was loaded with.",
        help="Call base.resize_token_embeddings(len(tokenizer)) first.",
        also=(added.span,),
    )


def _resized_after(calls: Calls, load: Call, model: Thing) -> Problem | None:
    """The embedding gets the size of the adapter's own tokenizer when the adapter is there."""
    for place in calls.places(resizes, model):
        resize = calls[place]
        tokenizer = tokenizer_behind(calls, resize)
        if place < calls.position(load) or tokenizer is None or grows(calls, tokenizer):
            continue
        if not same_argument(load, _ADAPTER, tokenizer, _TOKENIZER):
            continue
        return Problem(
            load.span,
            f"the embedding gets the size of the adapter's tokenizer at line {resize.span.line}, "
            "after the adapter: one that was trained with more tokens does not fit the base, and "
            "loading it raises.",
            help="Call resize_token_embeddings(len(tokenizer)) on the base first.",
            also=(resize.span,),
        )
    return None


_ADAPTER = ("model_id", "peft_model_id", "0")
_TOKENIZER = ("pretrained_model_name_or_path", "0")


def _resizes_any(call: Call) -> bool:
    return has_effect(call, RESIZES)
