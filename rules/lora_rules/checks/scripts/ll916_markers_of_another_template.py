"""Rule LL916, markers-of-another-template."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import MARKER_ISSUES, UNSLOTH_TEMPLATES
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call

_TEMPLATES = ("unsloth.chat_templates.get_chat_template", "unsloth.get_chat_template")
_MASKS = (
    "unsloth.chat_templates.train_on_responses_only",
    "unsloth.train_on_responses_only",
    "unsloth_zoo.dataset_utils.train_on_responses_only",
)
_CHATML = {"chatml": "<|im_start|>"}
_PARTS = ("instruction_part", "response_part")


@rule(
    "LL916",
    Severity.ERROR,
    evidence=[
        UNSLOTH_TEMPLATES.says("The token that begins a turn in the template of each name."),
        MARKER_ISSUES.says(
            "The markers have to be those of the template; otherwise every label is -100."
        ),
    ],
    calls=("train_on_responses_only",),
)
def markers_of_another_template(program: Program, model_name_or_path: Value) -> Iterator[Problem]:
    r"""The texts by which Unsloth finds the answers belong to another chat template.

    ## What it checks
    `train_on_responses_only` with an `instruction_part` or `response_part` that begins a turn as
    another family of templates does than the one of `get_chat_template`.

    - Without `get_chat_template`: than the one that this chat model was trained with.
    - Left out: markers in plain words, several templates in one file.

    ## Why it matters
    Unsloth masks everything that does not stand behind the response marker. Where no example has
    it, all labels are -100: newer versions raise "All labels in your dataset are -100", older ones
    train with a loss of 0.

    ## Bad
    ```python
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel
    from unsloth.chat_templates import get_chat_template, train_on_responses_only

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-8B", load_in_4bit=True)
    model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
    tokenizer = get_chat_template(tokenizer, chat_template="qwen3")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model, args, train_dataset=load(), processing_class=tokenizer)
    trainer = train_on_responses_only(
        trainer,
        instruction_part="<start_of_turn>user\n",  # LL916: "<start_of_turn>user\n"
        response_part="<start_of_turn>model\n",  # LL916: "<start_of_turn>model\n"
    )
    trainer.train()
    ```

    ## Good
    ```python
    from trl import SFTConfig, SFTTrainer
    from unsloth import FastLanguageModel
    from unsloth.chat_templates import get_chat_template, train_on_responses_only

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-8B", load_in_4bit=True)
    model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
    tokenizer = get_chat_template(tokenizer, chat_template="qwen3")
    args = SFTConfig("out", learning_rate=2e-4, max_length=2048, num_train_epochs=1)
    trainer = SFTTrainer(model, args, train_dataset=load(), processing_class=tokenizer)
    trainer = train_on_responses_only(
        trainer,
        instruction_part="<|im_start|>user\n",
        response_part="<|im_start|>assistant\n",
    )
    trainer.train()
    ```

    ## When to ignore it
    When the data was formatted by other means than the tokenizer's template.

    ## Options
    None.
    """
    calls = program.calls
    for call in calls.named(*_MASKS):
        own, whose = _of_template(calls, call, model_name_or_path)
        if not own:
            continue
        for part in _PARTS:
            marker = argument(call, part, "")
            begins = _begins(marker) if isinstance(marker, str) else ""
            if begins and begins != own:
                yield Problem(
                    call.arguments[part].span or call.span,
                    f"this begins a turn with {begins}, {whose} begins it with {own}: no example "
                    "has it, and all labels become -100.",
                    help="Take the markers from a text that the tokenizer's template makes.",
                )


def _tokens() -> dict[str, str]:
    from lora_rules.libraries.unsloth.templates import BEGINS

    return BEGINS | _CHATML


def _begins(marker: str) -> str:
    """The token of a family that a marker holds."""
    found = {token for token in _tokens().values() if token in marker}
    return max(found, key=len) if found else ""


def _of_template(calls: Calls, mask: Call, name: Value) -> tuple[str, str]:
    """The token that begins a turn of the examples, and whose it is."""
    from lora_rules.facts.model.chat_family import family

    given = calls.named(*_TEMPLATES)
    if given:
        template = argument(given[0], "chat_template", "")
        one = len(given) == 1 and given[0].certain_after(mask) and isinstance(template, str)
        return (_tokens().get(str(template), ""), f"template {template}") if one else ("", "")
    model = name.value if isinstance(name, Known) else None
    return (family(model), model) if isinstance(model, str) else ("", "")
