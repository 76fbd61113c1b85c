"""Rule LL202, rank-below-capacity."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import LORA_CAPACITY


@rule(
    "LL202",
    Severity.WARNING,
    evidence=[
        LORA_CAPACITY.says(
            "Networks store 2 bits a parameter and data have a loss of about 1 bit a token, an "
            "upper bound of what has to be learnt; for data that exceed its capacity LoRA "
            "underperforms full fine-tuning."
        ),
    ],
)
def rank_below_capacity(
    r: int,
    training_kind: str,
    answer_tokens: int,
    trainable_parameters: int,
    *,
    tokens_per_parameter: float = 2.0,
) -> Iterator[Problem]:
    """The adapter has fewer parameters than the data have to teach.

    ## What it checks
    Supervised fine-tuning on local JSON or JSON Lines files whose answers have more tokens than the
    adapter has trained parameters.

    - A warning from `tokens_per_parameter` tokens a parameter on, else info.
    - Each row counts once, whatever the number of epochs.
    - A token counts for every eight characters of an answer, and only rows that surely fit
      `max_length` count: the true number is higher.
    - Not checked: a model whose sizes are not known.

    ## Why it matters
    A parameter stores about two bits, and a token of text has a loss of about one: with more than
    two tokens a parameter the data do not fit. LoRA Without Regret found that LoRA then falls
    behind full fine-tuning, and performs the same on smaller data. It calls the bits of the data an
    upper bound: what has to be learnt from them may be less.

    ## Bad
    The tests run this rule on a file of answers.

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    args = SFTConfig(learning_rate=2e-4, num_train_epochs=1, max_length=2048)
    trainer = SFTTrainer(model="my-company/base-7B", args=args, peft_config=config)
    ```

    ## When to ignore it
    When only the form of the answers is to be learnt: a few bits, however many rows show it.

    ## Options
    - `tokens_per_parameter` (2.0): from so many tokens for each trained parameter it warns.
    """
    share = answer_tokens / trainable_parameters if trainable_parameters else 0.0
    if training_kind != "sft" or share <= 1:
        return
    enough = r * ceil(share)
    yield Problem(
        "r",
        f"{trainable_parameters:,} trained parameters for at least {answer_tokens:,} tokens of "
        "answers: a parameter holds about two bits, and a token teaches up to one.",
        severity=Severity.WARNING if share >= tokens_per_parameter else Severity.INFO,
        help=f"r = {enough} with the same targets has a parameter a token; more targets do too.",
        edits=(Set("r", enough),),
    )
