"""Rule LL411, frozen-task-head."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import PEFT_SOURCE
from lora_rules.facts.adapter.saved_modules import SAVED_BY_TASK
from lora_rules.program import Program

if TYPE_CHECKING:
    from lora_rules.facts.adapter.targeted import Targeted
    from lora_rules.facts.model.inventory import Inventory
from lora_rules.checks.adapter.task_heads import CLASSIFICATION


@rule(
    "LL411",
    Severity.WARNING,
    evidence=[
        PEFT_SOURCE.says(
            "PeftModelForSequenceClassification adds classifier and score to modules_to_save; "
            "without a task type nothing trains or saves the head."
        ),
    ],
)
def frozen_task_head(
    framework: Behaviour,
    targeted: Targeted,
    modules_to_save: list[str] | None = None,
    task_type: str | None = None,
    program: Program | None = None,
) -> Iterator[Problem]:
    """A classifier's head is not trained.

    ## What it checks
    The base model is loaded with a classification head, and neither `task_type` nor
    `modules_to_save` nor `target_modules` trains that head.

    - "SEQ_CLS" and "TOKEN_CLS" add heads called `classifier` or `score`, and no others.
    - An error where the checkpoint has no such head, so that it starts at random.
    - Not checked: scripts that set `requires_grad` themselves.

    ## Why it matters
    The head of a fresh classifier is random noise. Frozen, it stays so: the adapter has to learn
    around it, and the saved adapter does not hold the head, so it is another one after loading.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained("FacebookAI/roberta-base")
    config = LoraConfig(r=16, lora_alpha=32, target_modules=["query", "value"])  # LL411
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
    When the checkpoint's head is already the one that you want, and is to stay.

    ## Options
    None.
    """
    inventory = targeted.inventory
    if not inventory.class_name.endswith(CLASSIFICATION) or targeted.nothing:
        return
    if framework.sets_task:
        return
    if program is not None and program.calls.named("=requires_grad", ".requires_grad_"):
        return
    heads = _heads(inventory)
    names = (*(modules_to_save or ()), *SAVED_BY_TASK.get(task_type or "", ()))
    if not heads or all(_trains(head, names, targeted) for head in heads):
        return
    own = heads[0].partition(".")[0]
    usual = own in ("classifier", "score") and "Image" not in inventory.class_name
    kind = "TOKEN_CLS" if "Token" in inventory.class_name else "SEQ_CLS"
    edits: tuple[Edit, ...] = (
        Set("task_type", kind)
        if usual
        else Set("modules_to_save", [*(modules_to_save or ()), own]),
    )
    yield Problem(
        None,
        f"nothing trains {own}, the head of {inventory.class_name}: it stays "
        + ("random." if inventory.fresh_head else "as it is in the checkpoint."),
        severity=Severity.ERROR if inventory.fresh_head else Severity.WARNING,
        help=f'Set task_type="{kind}".' if usual else f'Add "{own}" to modules_to_save.',
        edits=edits,
    )


def _heads(inventory: Inventory) -> list[str]:
    """The layers that give the labels: the narrowest beside the base model."""
    if inventory.modules is None:
        tops = (path.partition(".")[0] for path in inventory.kinds)
        return [top for top in dict.fromkeys(tops) if top in ("classifier", "score")]
    base = inventory.modules.task.base
    beside = {
        path: each.outputs
        for path, each in inventory.linears.items()
        if base and not path.startswith(f"{base}.")
    }
    return [path for path, outputs in beside.items() if outputs == min(beside.values())]


def _trains(head: str, names: tuple[str, ...], targeted: Targeted) -> bool:
    parts = head.split(".")
    around = [".".join(parts[: at + 1]) for at in range(len(parts))]
    return head in targeted.adapted or any(path.endswith(name) for path in around for name in names)
