"""Rule LL025, added-tokens-untrained."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.targets.embeddings import may_name_embedding
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Value, is_given
from lora_rules.evidence import FRAMEWORK_SOURCES, MS_SWIFT_DOCS, SCRIPT_RUNS
from lora_rules.recipe import Setting

EMBEDDINGS = ["embed_tokens", "lm_head"]


@rule(
    "LL025",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "The rows that resize_token_embeddings adds are the same before and after three "
            "steps of LoRA."
        ),
        FRAMEWORK_SOURCES.says(
            "ms-swift 4.6.0 adds the tokens and resizes the model (model/register.py), and hands "
            "modules_to_save on as it is."
        ),
        MS_SWIFT_DOCS.says(
            "new_special_tokens is to stand beside --modules_to_save embed_tokens lm_head."
        ),
    ],
)
def added_tokens_untrained(
    framework: Behaviour,
    added_tokens: Setting,
    target_modules: Value,
    modules_to_save: Value,
    trainable_token_indices: Value,
    target_parameters: Value,
) -> Iterator[Problem]:
    """A file adds tokens to the vocabulary, and LoRA leaves the embedding frozen.

    ## What it checks
    `new_special_tokens` of ms-swift, where nothing trains their rows: neither `modules_to_save` nor
    a target may be an embedding.

    - Not checked: targets that are not known, an expression that may fit an embedding, and
      `trainable_token_indices`.

    ## Why it matters
    The new rows of the embedding and of the head are drawn at random, and stay as they were drawn:
    the model can neither read the tokens nor write them. What is trained goes around them.

    ## Bad
    ```yaml
    model: my-company/base-7B
    tuner_type: lora
    dataset: [my/data]
    new_special_tokens: [<tool>, </tool>]  # LL025
    lora_rank: 16
    lora_alpha: 32
    num_train_epochs: 1
    max_length: 2048
    ```

    ## Good
    ```yaml
    model: my-company/base-7B
    tuner_type: lora
    dataset: [my/data]
    new_special_tokens: [<tool>, </tool>]
    modules_to_save: [embed_tokens, lm_head]
    lora_rank: 16
    lora_alpha: 32
    num_train_epochs: 1
    max_length: 2048
    ```

    ## When to ignore it
    When the new tokens only separate or pad, and nothing is learned from what they mean.

    ## Options
    None.
    """
    if added_tokens.known and not added_tokens.value:
        return
    if not _is_none(modules_to_save, trainable_token_indices, target_parameters):
        return
    if may_name_embedding(target_modules):
        return
    key = framework.key("modules_to_save")
    yield Problem(
        "added_tokens",
        f"{added_tokens.key} adds tokens whose embeddings are not trained: LoRA freezes the "
        "embedding, and nothing names it.",
        help=f"Add {key}: {', '.join(EMBEDDINGS)}.",
        edits=(Set("modules_to_save", EMBEDDINGS),),
    )


def _is_none(*values: Value) -> bool:
    """Whether none of these is there."""
    return not any(map(is_given, values))
