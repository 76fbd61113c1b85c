"""Rule LL914, response-template-ends-in-space."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import RELEASES_READ, RESPONSE_TEMPLATE_ISSUES, SCRIPT_RUNS
from lora_rules.program import Program


@rule(
    "LL914",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A byte-level BPE gives a space at the end a token of its own, which is not among the "
            "tokens of the template followed by a word."
        ),
        RELEASES_READ.says("TRL has the collator up to 0.19."),
        RESPONSE_TEMPLATE_ISSUES.says("Could not find response key in the following instance."),
    ],
    calls=("DataCollatorForCompletionOnlyLM",),
)
def response_template_ends_in_space(program: Program) -> Iterator[Problem]:
    """The text that a collator looks for ends in a space, and is not found.

    ## What it checks
    `response_template` or `instruction_template` of TRL's `DataCollatorForCompletionOnlyLM` (before
    0.20) is a text that ends in a space.

    ## Why it matters
    The collator looks for the template's tokens. A tokenizer puts a space into the word after it:
    alone at the end it is a token of its own, which does not stand before a word in the examples.
    Where the template is not found, all labels become -100 and the example teaches nothing; where
    no example has it, the loss is 0 or nan.

    ## Bad
    ```python
    # /// script
    # dependencies = [
    #   "trl==0.19.1",
    # ]
    # ///
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import DataCollatorForCompletionOnlyLM

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    collator = DataCollatorForCompletionOnlyLM("Answer: ", tokenizer=tokenizer)  # LL914: "Answer: "
    ```

    ## Good
    ```python
    # /// script
    # dependencies = [
    #   "trl==0.19.1",
    # ]
    # ///
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import DataCollatorForCompletionOnlyLM

    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")
    collator = DataCollatorForCompletionOnlyLM("Answer:", tokenizer=tokenizer)
    ```

    ## When to ignore it
    When every answer begins with a digit, which many tokenizers leave without the space.

    ## Options
    None.
    """
    for call in program.calls.last_named("DataCollatorForCompletionOnlyLM"):
        if not call.name.startswith("trl."):
            continue
        for name in ("response_template", "instruction_template"):
            template = argument(call, name, "")
            if isinstance(template, str) and template.endswith(" "):
                yield Problem(
                    call.arguments[name].span or call.span,
                    f"{template!r} ends in a space: its last token is not in a text that goes on "
                    "with a word, so the template is not found and nothing is learned.",
                    help="Leave the space out: it belongs to the answer's first token.",
                )
                break
