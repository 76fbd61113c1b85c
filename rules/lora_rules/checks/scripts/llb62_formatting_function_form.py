"""Rule LLB62, formatting-function-form."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import FORMATTING_ISSUES, TRL_CALLBACKS
from lora_rules.program import Program

_BATCHES_BELOW = "0.15"
_EXAMPLES_SINCE = "0.17"


@rule(
    "LLB62",
    Severity.ERROR,
    evidence=[
        TRL_CALLBACKS.says(
            "Without packing, SFTTrainer gives formatting_func a batch of rows up to TRL 0.14, and "
            "one row from 0.17 on; 0.15 and 0.16 look at what it returns."
        ),
        FORMATTING_ISSUES.says(
            "A function that returned one text for a batch left one row of every thousand."
        ),
    ],
    calls=("=formatting_func",),
)
def formatting_function_form(
    program: Program, packing: Value, pinned_trl: VersionRange = ANY
) -> Iterator[Problem]:
    """A formatting function returns a list where the trainer wants a text, or the reverse.

    ## What it checks
    A function of the file that SFTTrainer is handed as `formatting_func`, and what each of its
    `return` statements gives.

    - A list, where TRL is not pinned below 0.17.
    - A text, where TRL is pinned below 0.15 and does not pack.
    - Left out: scripts that call Unsloth, which calls the function with a batch.

    ## Why it matters
    TRL 0.17 and newer give the function one row, and take what it returns for that row's text: a
    list is no text, and the trainer raises AttributeError. Up to 0.14 it was given a thousand rows
    at once without packing, and had to return as many texts: newer ones of these raise ValueError
    for a single text, TRL 0.4 trained on one row of a thousand.

    ## Bad
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer


    def to_text(rows):
        return [f"Q: {q} A: {a}" for q, a in zip(rows["q"], rows["a"])]  # LLB62


    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(
        load_model(), args, train_dataset=load(), peft_config=lora, formatting_func=to_text
    )
    trainer.train()
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer


    def to_text(row):
        return f"Q: {row['q']} A: {row['a']}"


    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(
        load_model(), args, train_dataset=load(), peft_config=lora, formatting_func=to_text
    )
    trainer.train()
    ```

    ## When to ignore it
    When the data holds batches as rows.

    ## Options
    None.
    """
    if program.calls.makes(("unsloth.",)):
        return
    for call in program.calls.named("=formatting_func"):
        for function in call.signatures:
            lists = function.gives in ("one", "list")
            if lists and not (pinned_trl.certainly_below(_EXAMPLES_SINCE) or pinned_trl.at_commit):
                certain = not pinned_trl.bounded or pinned_trl.certainly_at_least(_EXAMPLES_SINCE)
                yield Problem(
                    function.returns[0],
                    f"{function.name} gives a list: TRL from {_EXAMPLES_SINCE} on calls it with "
                    "one row, and takes what it gives for that row's text.",
                    severity=None if certain else Severity.WARNING,
                    help="Return the text of one row.",
                    also=(call.span,),
                )
            elif function.gives == "text" and pinned_trl.certainly_below(_BATCHES_BELOW):
                if isinstance(packing, Known) and packing.value is True:
                    continue
                yield Problem(
                    function.returns[0],
                    f"{function.name} gives one text: TRL below {_BATCHES_BELOW} calls it with a "
                    "batch of rows where it does not pack, and wants a list with a text for each.",
                    help="Go through the rows of the batch, and return a list of texts.",
                    also=(call.span,),
                )
