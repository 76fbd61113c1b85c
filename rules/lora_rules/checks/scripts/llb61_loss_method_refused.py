"""Rule LLB61, loss-method-refused."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import COMPUTE_LOSS_ISSUES, SCRIPT_RUNS
from lora_rules.program import Program

_SINCE = "4.46"


@rule(
    "LLB61",
    Severity.ERROR,
    evidence=[
        SCRIPT_RUNS.says(
            "Trainer.training_step calls compute_loss with num_items_in_batch by name: an "
            "override without it raises a TypeError in the first step."
        ),
        COMPUTE_LOSS_ISSUES.says("transformers 4.46 began to pass it."),
    ],
    calls=("=compute_loss",),
)
def loss_method_refused(
    program: Program, pinned_transformers: VersionRange = ANY
) -> Iterator[Problem]:
    """A trainer's own `compute_loss` does not take `num_items_in_batch`.

    ## What it checks
    A class of the file, derived from a trainer of transformers or TRL, whose `compute_loss` has
    neither `num_items_in_batch` nor `**kwargs`.

    - Left out: classes with a `training_step` of their own, transformers pinned below 4.46.
    - A warning where newer versions are not pinned.

    ## Why it matters
    Since transformers 4.46 the training step gives the number of labels of all accumulated batches
    to `compute_loss`, by name. A method without it raises a TypeError in the first step.

    ## Bad
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


    class Weighted(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False):  # LLB61: compute_loss
            outputs = model(**inputs)
            return (outputs.loss, outputs) if return_outputs else outputs.loss


    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    Weighted(model=get_peft_model(model, lora), args=args, train_dataset=load()).train()
    ```

    ## Good
    ```python
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments


    class Weighted(Trainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            outputs = model(**inputs)
            return (outputs.loss, outputs) if return_outputs else outputs.loss


    model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    Weighted(model=get_peft_model(model, lora), args=args, train_dataset=load()).train()
    ```

    ## When to ignore it
    When an older transformers is installed than any that is pinned here.

    ## Options
    None.
    """
    if pinned_transformers.certainly_below(_SINCE) or pinned_transformers.at_commit:
        return
    certain = pinned_transformers.bounded and pinned_transformers.certainly_at_least(_SINCE)
    for call in program.calls.named("=compute_loss"):
        for method in call.signatures:
            if not method.is_open and "num_items_in_batch" not in method.parameters:
                yield Problem(
                    method.span,
                    "compute_loss does not take num_items_in_batch, which the training step gives "
                    f"by name since transformers {_SINCE}: a TypeError in the first step.",
                    severity=None if certain else Severity.WARNING,
                    help="Add num_items_in_batch=None.",
                    also=(call.span,),
                )
