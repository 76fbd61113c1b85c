"""Rule LL020, template-of-another-family."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import LLAMAFACTORY_TEMPLATES
from lora_rules.facts.model.chat_family import family, family_of_template, template_of


@rule(
    "LL020",
    Severity.WARNING,
    evidence=[
        LLAMAFACTORY_TEMPLATES.says(
            "register_model_group names the template of each chat model; register_template has "
            "the tokens of each template."
        ),
    ],
    of_records=True,
)
def template_of_another_family(
    framework: Behaviour,
    chat_template: str,
    model_name_or_path: str,
    trainer_method: str = "sft",
) -> Iterator[Problem]:
    """A chat model is trained with the chat template of another model family.

    ## What it checks
    `template` of a LLaMA-Factory file begins a turn with another token than the template which
    LLaMA-Factory itself names for this chat model.

    - `qwen`, `qwen3` and `qwen3_nothink` are one family, for they begin a turn alike; so are all
      others that do.
    - Left alone: base models, which may learn any template; templates in plain words (`default`,
      `empty`, `alpaca`, `vicuna`); `stage: pt`, which uses none.
    - Not checked: a model that LLaMA-Factory's table does not name.

    ## Why it matters
    The model has learned to begin and end a turn with other tokens. LLaMA-Factory adds those that
    end a turn to the tokenizer, and the embedding has no rows for them unless it is resized. The
    template that is saved in the tokenizer stays the model's own: whoever serves the model writes
    turns in another way than it was trained on.

    ## Bad
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct
    stage: sft
    do_train: true
    finetuning_type: lora
    dataset: alpaca_en_demo
    num_train_epochs: 2.0
    learning_rate: 2.0e-4
    template: llama3  # LL020: llama3
    ```

    ## Good
    ```yaml
    model_name_or_path: Qwen/Qwen2.5-7B-Instruct
    stage: sft
    do_train: true
    finetuning_type: lora
    dataset: alpaca_en_demo
    num_train_epochs: 2.0
    learning_rate: 2.0e-4
    template: qwen
    ```

    ## When to ignore it
    When the tokens of the template were added to the model on purpose.

    ## Options
    None.
    """
    if not framework.templates_are_llamafactorys or trainer_method == "pt":
        return
    begins, own = family_of_template(chat_template), family(model_name_or_path)
    if not begins or not own or begins == own:
        return
    right = template_of(model_name_or_path)
    yield Problem(
        "chat_template",
        f"template {chat_template} begins a turn with {begins}, {model_name_or_path} was trained "
        f"with {own} (template {right}).",
        help=f"Write {right}.",
        also=("model_name_or_path",),
        edits=(Set("chat_template", right),),
    )
