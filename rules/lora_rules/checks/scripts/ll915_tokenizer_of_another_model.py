"""Rule LL915, tokenizer-of-another-model."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.scripts.calls import base_load, first_argument
from lora_rules.checks.scripts.vocabulary import resizes
from lora_rules.engine.problem import Problem, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Unknown
from lora_rules.evidence import SCRIPT_RUNS
from lora_rules.program import Calls, Program
from lora_rules.recipe import Call

_NAME = "pretrained_model_name_or_path"
_ALIKE = 1.02
"""Models of one tokenizer round its size up in different ways, by less than this."""


@rule(
    "LL915",
    Severity.WARNING,
    evidence=[
        SCRIPT_RUNS.says(
            "An id beyond the embedding raises IndexError; one within it is the row of another "
            "token."
        ),
    ],
    calls=("transformers.AutoTokenizer",),
)
def tokenizer_of_another_model(program: Program) -> Iterator[Problem]:
    """A trainer gets a model, and the tokenizer of a model with another vocabulary.

    ## What it checks
    The `AutoTokenizer` that a trainer is given is loaded from another id than its model, and by
    both configurations the vocabularies differ by more than two percent.

    - Left alone: a model whose embedding the script resizes.
    - Not checked: ids that the table of models does not have, vocabularies of one size.

    ## Why it matters
    A token's number is the row of the embedding that the model learned for it. The numbers of
    another vocabulary are rows of other tokens: the model reads and learns nonsense. A number
    beyond the last row raises IndexError.

    ## Bad
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("Qwen/Qwen2.5-0.5B")  # LL915
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-360M"),
        args=SFTConfig("out", learning_rate=2e-4, max_length=1024, num_train_epochs=1),
        train_dataset=load(),
        processing_class=tokenizer,
        peft_config=lora,
    )
    ```

    ## Good
    ```python
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained("HuggingFaceTB/SmolLM2-360M")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained("HuggingFaceTB/SmolLM2-360M"),
        args=SFTConfig("out", learning_rate=2e-4, max_length=1024, num_train_epochs=1),
        train_dataset=load(),
        processing_class=tokenizer,
        peft_config=lora,
    )
    ```

    ## When to ignore it
    When the script gives the model a new embedding in a way that is not seen.

    ## Options
    None.
    """
    calls = program.calls
    for trainer in calls.trainers():
        loads = [_tokenizer(calls, trainer), base_load(calls, trainer.things.get("model"))]
        names = [first_argument(load, _NAME) if load is not None else None for load in loads]
        texts = [name for name in names if isinstance(name, str)]
        model = trainer.things.get("model")
        if loads[0] is None or len(texts) < 2 or texts[0].lower() == texts[1].lower():
            continue
        if model is None or calls.any_between(resizes, model, None, trainer):
            continue
        sizes = [_vocabulary(name) for name in texts]
        if all(sizes) and max(sizes) > _ALIKE * min(sizes):
            yield Problem(
                loads[0].span,
                f"the tokenizer of {texts[0]} ({sizes[0]:,} tokens) goes with {texts[1]} "
                f"({sizes[1]:,}): its numbers stand for other tokens there.",
                help=f"Load the tokenizer from {texts[1]}.",
                also=(trainer.span,),
            )


def _tokenizer(calls: Calls, trainer: Call) -> Call | None:
    """The call that loaded the trainer's tokenizer."""
    thing = trainer.things.get("processing_class") or trainer.things.get("tokenizer")
    load = calls.maker(thing)
    known = load is not None and load.name == "transformers.AutoTokenizer.from_pretrained"
    return load if known else None


def _vocabulary(name: str) -> int:
    """How many rows the embedding of a model has; 0 if that is not known."""
    from lora_rules.facts.model.architecture import configuration

    try:
        size = configuration(name)[0].get("vocab_size")
    except Unknown:
        return 0
    return size if isinstance(size, int) else 0
