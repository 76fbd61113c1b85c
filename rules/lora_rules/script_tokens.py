"""New tokens: their embeddings are not trained, or not there."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.calls import (
    adapted,
    adapter_loads,
    after,
    before,
    first_argument,
    frees,
    maker,
    trainings,
)
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.recipe import Call, Recipe, Thing
from lora_rules.rule import Problem, Severity, rule

Calls = tuple[Call, ...]


@rule("LL407", Severity.WARNING, evidence=[SCRIPT_RUNS])
def new_tokens_untrained(script: Recipe) -> Iterator[Problem]:
    """Tokens are added, and their embeddings are not trained.

    ## What it checks
    `tokenizer.add_tokens`, `additional_special_tokens` or `setup_chat_format`, then
    `model.resize_token_embeddings`, then a LoRA without `modules_to_save`, without
    `trainable_token_indices` and without the embedding among its targets; and the model is trained.

    ## Why it matters
    LoRA freezes the embedding, the new rows with it: what the new tokens mean stays as they were
    drawn at random. The rows are not in the adapter's file either, unless PEFT can tell that the
    vocabulary grew (peft#334, #1298; axolotl#787; LlamaFactory#7997). Training only the new rows
    with `trainable_token_indices` costs a row of the embedding for each token.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.1-70B")
    model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-3.1-70B")
    tokenizer.add_tokens(["<tool>", "</tool>"])  # LL407
    model.resize_token_embeddings(len(tokenizer))
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora)
    args = TrainingArguments("out", learning_rate=1e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load(tokenizer))
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained("my-org/my-model")
    model = AutoModelForCausalLM.from_pretrained("my-org/my-model")
    tokenizer.add_tokens(["<tool>", "</tool>"])
    model.resize_token_embeddings(len(tokenizer))
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens", "lm_head"],
    )
    model = get_peft_model(model, lora)
    args = TrainingArguments("out", learning_rate=1e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load(tokenizer))
    trainer.train()
    ```

    ## When to ignore it
    When the new tokens only separate or pad, and nothing is learned from what they mean.

    ## Options
    None.
    """
    if not _embedding_is_frozen(script):
        return
    calls = script.calls
    for use, model in adapted(script):
        earlier = before(calls, use)
        added = next((c for c in earlier if _adds_tokens(c) and c.certain_after(use)), None)
        if added is None or not any(_resizes(call, model) for call in earlier):
            continue
        if any(frees(call, model) for call in after(calls, use)):
            continue
        if any(training.model == model for training in trainings(calls)):
            yield Problem(
                added.span,
                "the embeddings of these tokens are not trained: LoRA freezes the embedding, and "
                "the configuration names neither it nor the tokens.",
                help="Give LoraConfig trainable_token_indices=[the new ids], or "
                'modules_to_save=["embed_tokens", "lm_head"].',
                also=(script.span,),
            )


def _embedding_is_frozen(recipe: Recipe) -> bool:
    if recipe.callee != "peft.LoraConfig":
        return False
    for name in ("modules_to_save", "trainable_token_indices"):
        if name not in recipe.settings or recipe.may_be(name):
            return False
    targets = recipe.settings.get("target_modules")
    if targets is None or not targets.candidates:
        return False
    texts = [str(value).lower() for value in targets.candidates]
    return not any(name in text for text in texts for name in ("emb", "wte", "shared", ".*"))


def _adds_tokens(call: Call) -> bool:
    """Whether tokens are certainly added that stand for something (padding does not)."""
    if call.name == "trl.setup_chat_format":
        return True
    if call.name == ".add_tokens":
        return _is_filled(first_argument(call, "new_tokens"))
    if call.name != ".add_special_tokens":
        return False
    given = first_argument(call, "special_tokens_dict")
    return isinstance(given, dict) and _is_filled(given.get("additional_special_tokens"))


def _is_filled(value: object) -> bool:
    return isinstance(value, list | tuple | str) and bool(value)


def _resizes(call: Call, model: Thing) -> bool:
    if call.name == "trl.setup_chat_format":
        return model in call.things.values()
    return call.name == ".resize_token_embeddings" and call.on == model


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
        added = next((c for c in earlier if _adds_tokens(c) and c.certain_after(load)), None)
        if added is None or base is load or any(_resizes(call, model) for call in earlier):
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
