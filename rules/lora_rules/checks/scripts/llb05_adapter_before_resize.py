"""Rule LLB05, adapter-before-resize."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import (
    adapter_loads,
    before,
    frees,
    maker,
)
from lora_rules.checks.scripts.script_tokens import adds_tokens, resizes
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.recipe import Recipe


@rule("LLB05", Severity.WARNING, evidence=[SCRIPT_RUNS])
def adapter_before_resize(script: Recipe) -> Iterator[Problem]:
    """An adapter is loaded onto a base whose embedding was not resized for the added tokens.

    ## What it checks
    A script that adds tokens and resizes a model for them, then loads a base afresh and calls
    `PeftModel.from_pretrained` on that one without resizing it.

    ## Why it matters
    If the adapter was trained with the new tokens and holds their embeddings, loading raises
    "size mismatch". If it does not, the new ids lie beyond the embedding and the first batch with
    one of them fails (peft#1457, #2290, #2415).

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
    calls = script.calls
    for load in adapter_loads(calls):
        model, base = load.made, maker(calls, load.made)
        if model is None or base is None or not base.name.endswith(".from_pretrained"):
            continue
        earlier = before(calls, load)
        added = next((c for c in earlier if adds_tokens(c) and c.certain_after(load)), None)
        if added is None or base is load or any(resizes(call, model) for call in earlier):
            continue
        elsewhere = any(c.name == ".resize_token_embeddings" for c in earlier)
        if elsewhere and not any(frees(call, model) for call in earlier):
            yield Problem(
                load.span,
                f"tokens were added at line {added.span.line}, but the base model keeps the "
                "embedding that it was loaded with.",
                help="Call base.resize_token_embeddings(len(tokenizer)) first.",
                also=(added.span,),
            )
