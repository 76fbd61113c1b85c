"""Rule LLB46, adapter-loaded-on-another-class."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.engine.injection import Lazy
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.evidence import OTHER_CLASS_ISSUES, SCRIPT_RUNS
from lora_rules.recipe import Blocks


@rule(
    "LLB46",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "An adapter of LlamaForCausalLM on LlamaModel, and one of MllamaForCausalLM on "
            "MllamaForConditionalGeneration: PEFT warns of missing keys, and every lora_B is 0."
        ),
        OTHER_CLASS_ISSUES.says("PEFT warns of missing adapter keys, since 0.14."),
    ],
)
def adapter_loaded_on_another_class(
    blocks: Blocks, reloaded_as: str, architecture: Lazy
) -> Iterator[Problem]:
    """A saved adapter is loaded onto a class of the model whose modules are called otherwise.

    ## What it checks
    A script trains and saves an adapter on one class of transformers, and loads it from the same
    folder with `PeftModel.from_pretrained` onto another class of the same model, in which the
    layers have other paths.

    - Known are the classes of the table of architectures: `AutoModel` beside
      `AutoModelForCausalLM`, `MllamaForConditionalGeneration` beside either.

    ## Why it matters
    PEFT finds the adapter's weights by the paths of their modules. Where these differ it loads
    nothing, warns of missing adapter keys (since 0.14) and goes on with a new adapter, which
    changes nothing: the model answers as if it had not been trained.

    ## Bad
    ```python
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModel, AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    Trainer(model=model, args=args, train_dataset=load()).train()
    model.save_pretrained("adapter")
    encoder = PeftModel.from_pretrained(  # LLB46
        AutoModel.from_pretrained("Qwen/Qwen2.5-0.5B"), "adapter"
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM, Trainer, TrainingArguments

    base = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora)
    args = TrainingArguments("out", learning_rate=2e-4, num_train_epochs=1)
    Trainer(model=model, args=args, train_dataset=load()).train()
    model.save_pretrained("adapter")
    tuned = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B"), "adapter"
    )
    ```

    ## When to ignore it
    Never.

    ## Options
    None.
    """
    from lora_rules.facts.model.model_class import loader, task_of
    from lora_rules.facts.model.model_table import load

    trained_as = loader(blocks)
    if trained_as is None or trained_as == reloaded_as:
        return
    tasks = load(architecture().model_type).tasks
    names = [task_of(each, None, tasks) for each in (trained_as, reloaded_as)]
    first, second = (tasks[name].embedding for name in names if name is not None)
    if first is not None and second is not None and first != second:
        yield Problem(
            "reloaded_as",
            f"the adapter is trained on {trained_as} ({first}) and loaded onto {reloaded_as} "
            f"({second}): PEFT finds none of its modules and loads nothing.",
            help=f"Load the base as {trained_as}.",
        )
