"""Rule LLB55, fresh-module-not-saved."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import adapted, base_load, first_argument
from lora_rules.engine.problem import Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Partial, Unknown, Value, elements_of
from lora_rules.engine.views import Outline
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS, TRANSFORMERS_SOURCE
from lora_rules.facts.model.fresh_modules import Fresh, fresh_modules, not_saved
from lora_rules.program import Calls, Program
from lora_rules.recipe import Thing

_TAKEN_CARE_OF = (
    "=requires_grad",
    ".requires_grad_",
    "torch.save",
    ".state_dict",
    ".merge_and_unload",
)
"""What may train them, or save more than the adapter."""


@rule(
    "LLB55",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "A saved SEQ_CLS adapter of DeBERTa, BART, MBart, T5, MT5, XLNet, Flaubert and XLM "
            "gives other logits on the base loaded anew, with or without all-linear; the same "
            "ones where modules_to_save names what the class creates."
        ),
        TRANSFORMERS_SOURCE.says(
            "DebertaV2ForSequenceClassification has a ContextPooler beside the base model, which "
            "the checkpoints lack."
        ),
        PEFT_SOURCE.says(
            "PeftModelForSequenceClassification and its like add classifier and score to "
            "modules_to_save, PeftModelForQuestionAnswering qa_outputs."
        ),
    ],
    calls=(
        "transformers.AutoModelForSequenceClassification",
        "transformers.AutoModelForQuestionAnswering",
        "transformers.Deberta",
        "transformers.Bart",
        "transformers.MBart",
        "transformers.T5For",
        "transformers.MT5For",
        "transformers.XLNet",
        "transformers.Flaubert",
        "transformers.XLMFor",
        "transformers.ModernBert",
    ),
)
def fresh_module_not_saved(
    program: Program,
    outline: Outline,
    modules_to_save: Value,
    target_modules: Value,
    task_type: str,
) -> Iterator[Problem]:
    """A model class creates a module at random that the task does not save.

    ## What it checks
    A base checkpoint of DeBERTa, BART, MBart, T5, XLNet, Flaubert, XLM or ModernBERT is loaded as a
    class that creates modules which neither `task_type` nor `modules_to_save` covers.

    - An error where they give the labels and LoRA does not adapt them either.
    - Left alone where the script merges the adapter, or saves or frees weights itself.

    ## Why it matters
    "SEQ_CLS" trains and saves modules called `classifier` and `score`, "QUESTION_ANS" `qa_outputs`.
    DeBERTa's `pooler` and BART's `classification_head` are others: they stay as random as they
    were created, and are not in the adapter's file. Where it is loaded, they are created again with
    other numbers, and the same input gives other logits. LoRA on them does not help: the weight
    below is not saved.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    name = "microsoft/deberta-v3-base"
    model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=3)
    config = LoraConfig(  # LLB55
        r=16, lora_alpha=32, target_modules=["query_proj", "value_proj"], task_type="SEQ_CLS"
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    name = "microsoft/deberta-v3-base"
    model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=3)
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["query_proj", "value_proj"],
        modules_to_save=["pooler"],
        task_type="SEQ_CLS",
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    When the model is used in this process only.

    ## Options
    None.
    """
    calls = program.calls
    if isinstance(modules_to_save, Partial | Unknown) or any(calls.named(*_TAKEN_CARE_OF)):
        return
    from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK

    for use, model in adapted(calls, outline.span):
        fresh = _fresh(calls, model)
        if fresh is None or task_type not in SAVED_BY_TASK:
            continue
        named = [str(name) for name in elements_of(modules_to_save)]
        missing = not_saved(fresh, [*named, *SAVED_BY_TASK[task_type]])
        if not missing:
            continue
        tops = list(dict.fromkeys(layer.partition(".")[0] for layer in missing))
        are = "is" if len(tops) == 1 else "are"
        lost = fresh.head and _is_untouched(missing, target_modules)
        yield Problem(
            None,
            f"{' and '.join(tops)}, which {_class(calls, model)} creates at random, {are} not "
            f"{'trained, and not saved' if lost else 'saved'} with the adapter.",
            severity=Severity.ERROR if lost else None,
            help=f"Add {', '.join(map(repr, tops))} to modules_to_save.",
            edits=(Set("modules_to_save", [*named, *tops]),),
            also=(use.span,),
        )
        return


def _fresh(calls: Calls, model: Thing) -> Fresh | None:
    """What the class of the base model creates."""
    load = base_load(calls, model)
    if load is None:
        return None
    name = first_argument(load, "pretrained_model_name_or_path")
    return fresh_modules(name, _class(calls, model)) if isinstance(name, str) else None


def _class(calls: Calls, model: Thing) -> str:
    load = base_load(calls, model)
    return "" if load is None else load.name.split(".")[-2]


def _is_untouched(layers: list[str], target_modules: Value) -> bool:
    """Whether the targets certainly name none of these layers."""
    if not isinstance(target_modules, Known) or isinstance(target_modules.value, str):
        return False
    names = [str(name).rpartition(".")[2] for name in elements_of(target_modules)]
    return not any(layer.rpartition(".")[2] in names for layer in layers)
