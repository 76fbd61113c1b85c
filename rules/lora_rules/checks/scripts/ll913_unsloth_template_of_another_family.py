"""Rule LL913, unsloth-template-of-another-family."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import argument
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.evidence import LLAMAFACTORY_TEMPLATES, UNSLOTH_TEMPLATE_ISSUES, UNSLOTH_TEMPLATES
from lora_rules.program import Program

_CALLEES = ("unsloth.chat_templates.get_chat_template", "unsloth.get_chat_template")


@rule(
    "LL913",
    Severity.WARNING,
    evidence=[
        UNSLOTH_TEMPLATES.says(
            "get_chat_template replaces the tokenizer's template by the one of that name, whatever "
            "the model is."
        ),
        LLAMAFACTORY_TEMPLATES.says("Each chat model has the template that it was trained with."),
        UNSLOTH_TEMPLATE_ISSUES.says(
            "A model that has not learned a template's tokens writes others in their place after "
            "fine-tuning."
        ),
    ],
    calls=("get_chat_template",),
)
def unsloth_template_of_another_family(
    program: Program, model_name_or_path: Value
) -> Iterator[Problem]:
    """Unsloth's get_chat_template gives a chat model the template of another model family.

    ## What it checks
    `get_chat_template(tokenizer, chat_template="llama-3.1")` whose template begins a turn with
    another token than the one that this chat model was trained with.

    - Templates that begin a turn alike are one family: `qwen-2.5` and `qwen3`.
    - Left alone: base models, which may learn any; templates in plain words; `chatml`, whose end
      Unsloth maps onto the model's own end token.
    - Not checked: a model that LLaMA-Factory's table of chat models does not name.

    ## Why it matters
    The model has learned turns, and the end of one, by other tokens; those of the other family are
    untrained in it, or pieces of text. A server that takes the model's own template asks it in
    another way than it was trained.

    ## Bad
    ```python
    from unsloth import FastLanguageModel
    from unsloth.chat_templates import get_chat_template

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-8B", load_in_4bit=True)
    model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
    tokenizer = get_chat_template(tokenizer, chat_template="llama-3.1")  # LL913
    ```

    ## Good
    ```python
    from unsloth import FastLanguageModel
    from unsloth.chat_templates import get_chat_template

    model, tokenizer = FastLanguageModel.from_pretrained("unsloth/Qwen3-8B", load_in_4bit=True)
    model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=16)
    tokenizer = get_chat_template(tokenizer, chat_template="qwen3")
    ```

    ## When to ignore it
    When the tokens of the template are added to the model on purpose.

    ## Options
    None.
    """
    for call in program.calls.named(*_CALLEES):
        from lora_rules.facts.model.chat_family import family
        from lora_rules.libraries.unsloth.templates import BEGINS

        template = argument(call, "chat_template", "")
        begins = BEGINS.get(template, "") if isinstance(template, str) else ""
        name = model_name_or_path.value if isinstance(model_name_or_path, Known) else None
        own = family(name) if isinstance(name, str) else ""
        if begins and own and begins != own:
            right = ", ".join(each for each, token in BEGINS.items() if token == own)
            yield Problem(
                call.span,
                f"template {template} begins a turn with {begins}, {name} was trained with {own}.",
                help="Leave the call out: the tokenizer has the model's own template"
                + (f" (of Unsloth's: {right})." if right else "."),
            )
