"""Rule LL407, new-tokens-untrained."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted, comes_before, frees, trainings
from lora_rules.checks.scripts.vocabulary import resizes, tokens_added_before
from lora_rules.checks.targets.embeddings import may_name_embedding
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.views import Outline
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LL407",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "The rows that resize_token_embeddings adds are the same before and after three "
            "steps of LoRA."
        ),
    ],
    calls=("resize_token_embeddings", "setup_chat_format", "clone_chat_template"),
)
def new_tokens_untrained(
    program: Program,
    outline: Outline,
    target_modules: Value,
    modules_to_save: Value,
    trainable_token_indices: Value,
) -> Iterator[Problem]:
    """Tokens are added, and their embeddings are not trained.

    ## What it checks
    Tokens that a script adds and resizes the model for, before or after it gets a LoRA that trains
    neither the embedding nor the new rows, on a model that is then trained.

    - Adding: `tokenizer.add_tokens`, `additional_special_tokens`, `setup_chat_format`.
    - Not checked: a `modules_to_save`, `trainable_token_indices`, or a target that may be an
      embedding.

    ## Why it matters
    LoRA freezes the embedding, the new rows with it: what the new tokens mean stays as it was drawn
    at random. The rows are not in the adapter's file either, unless PEFT can see from the base's
    configuration that the vocabulary grew. `trainable_token_indices` trains one row of the
    embedding for each token.

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
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=1e-4)
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
    args = TrainingArguments("out", num_train_epochs=1, learning_rate=1e-4)
    trainer = Trainer(model=model, args=args, train_dataset=load(tokenizer))
    trainer.train()
    ```

    ## When to ignore it
    When the new tokens only separate or pad, and nothing is learned from what they mean.

    ## Options
    None.
    """
    if outline.callee != "peft.LoraConfig" or may_name_embedding(target_modules):
        return
    if not (_is_none(modules_to_save) and _is_none(trainable_token_indices)):
        return
    calls = program.calls
    for use, model in adapted(calls, outline.span):
        for training in trainings(calls, model):
            if not comes_before(calls, use, training.start):
                continue
            added = tokens_added_before(calls, training.start)
            if added is None or not calls.any_between(resizes, model, None, training.start):
                continue
            if not calls.any_between(frees, model, use, training.start):
                yield Problem(
                    added.span,
                    "the embeddings of these tokens are not trained: LoRA freezes the embedding, "
                    "and the configuration names neither it nor the tokens.",
                    help="Give LoraConfig trainable_token_indices=[the new ids], or "
                    'modules_to_save=["embed_tokens", "lm_head"].',
                    also=(outline.span,),
                )
                return


def _is_none(value: Value) -> bool:
    return isinstance(value, Known) and value.value is None
