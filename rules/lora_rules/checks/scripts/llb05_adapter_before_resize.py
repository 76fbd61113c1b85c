"""Rule LLB05, adapter-before-resize."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapter_loads, frees, resizes, tokens_added_before
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LLB05",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "An adapter with embeddings of a resized model raises size mismatch on one that is "
            "not; an id beyond the embedding raises IndexError."
        ),
    ],
)
def adapter_before_resize(program: Program) -> Iterator[Problem]:
    """An adapter is loaded onto a base whose embedding was not resized for the added tokens.

    ## What it checks
    A script that adds tokens and resizes a model for them, then loads a base afresh and calls
    `PeftModel.from_pretrained` on that one without resizing it.

    ## Why it matters
    If the adapter was trained with the new tokens and holds their embeddings, loading raises "size
    mismatch" (peft#1457, #2290). If it does not, the new ids lie beyond the embedding, and the
    first batch with one of them fails: IndexError on a CPU.

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
    for load in adapter_loads(calls):
        model, base = load.made, calls.maker(load.made)
        if model is None or base is None or not base.name.endswith(".from_pretrained"):
            continue
        added = tokens_added_before(calls, load)
        if added is None or base is load or calls.any_between(resizes, model, None, load):
            continue
        others = calls.named(".resize_token_embeddings")[:1]
        elsewhere = any(calls.position(call) < calls.position(load) for call in others)
        if elsewhere and not calls.any_between(frees, model, None, load):
            yield Problem(
                load.span,
                f"tokens were added at line {added.span.line}, but the base model keeps the "
                "embedding that it was loaded with.",
                help="Call base.resize_token_embeddings(len(tokenizer)) first.",
                also=(added.span,),
            )
