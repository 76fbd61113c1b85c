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
            "A parameter holds about 2 bits, and a token of supervised data teaches about "
            "1 bit or less; a run whose data need more than the adapter holds falls "
            "behind full fine-tuning."
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
    Supervised fine-tuning on local JSON or JSON lines: the tokens of the answers, each row once,
    against the parameters that are trained. A warning from `tokens_per_parameter` on, a mention
    from one. There is no tokenizer here: a token counts for every eight characters of an answer,
    and only rows that surely fit `max_length` count, so that the true number is about twice as
    high. The model has to be known.

    ## Why it matters
    A parameter holds about two bits and a token of supervised data teaches one or less. LoRA
    Without Regret sees the loss leave that of full fine-tuning where the data need more than the
    adapter holds, at a number of steps that grows with the rank. Below that, the rank hardly
    matters.

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
