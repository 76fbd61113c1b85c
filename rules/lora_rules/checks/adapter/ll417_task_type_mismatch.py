"""Rule LL417, task-type-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.recipe import Blocks

if TYPE_CHECKING:
    from lora_rules.facts.model.inventory import Inventory
from lora_rules.checks.adapter.task_heads import CLASSIFICATION


@rule(
    "LL417",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "PeftModelForCausalLM and PeftModelForSeq2SeqLM read "
            "base_model.prepare_inputs_for_generation when they are built."
        ),
    ],
)
def task_type_mismatch(blocks: Blocks, inventory: Inventory, task_type: str) -> Iterator[Problem]:
    """A task for text generation, on a model that cannot generate.

    ## What it checks
    `task_type` is "CAUSAL_LM" or "SEQ_2_SEQ_LM", and the script loads the base model as a
    classifier or another class without generation.

    ## Why it matters
    PEFT wraps the model's `prepare_inputs_for_generation`, which such a class does not have, and
    raises AttributeError.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained("FacebookAI/roberta-base")
    config = LoraConfig(
        r=16,
        lora_alpha=32,
        target_modules=["query", "value"],
        modules_to_save=["classifier"],
        task_type="CAUSAL_LM",  # LL417: "CAUSAL_LM"
    )
    model = get_peft_model(model, config)
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained("FacebookAI/roberta-base")
    config = LoraConfig(
        r=16, lora_alpha=32, target_modules=["query", "value"], task_type="SEQ_CLS"
    )
    model = get_peft_model(model, config)
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    from lora_rules.facts.model.model_class import loader  # the recipe's own words, not a guess

    if task_type in ("CAUSAL_LM", "SEQ_2_SEQ_LM") and loader(blocks) is not None:
        name = inventory.class_name
        if name.endswith((*CLASSIFICATION, "ForMaskedLM")):
            right = "TOKEN_CLS" if "Token" in name else "SEQ_CLS"
            classifies = name.endswith(("SequenceClassification", "TokenClassification"))
            edits: tuple[Edit, ...] = (Set("task_type", right),) if classifies else ()
            yield Problem(
                "task_type",
                f"task_type {task_type} on {name}: PEFT raises AttributeError, it cannot generate.",
                edits=edits,
            )
