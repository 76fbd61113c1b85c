"""Rule LL417, task-type-mismatch."""

from __future__ import annotations

from collections.abc import Iterator

from lora_rules.checks.adapter.task_heads import CLASSIFICATION
from lora_rules.engine.injection import Lazy
from lora_rules.engine.problem import Edit, Problem, Set, Severity
from lora_rules.engine.registry import rule
from lora_rules.engine.value import Known, Value
from lora_rules.engine.version_range import ANY, VersionRange
from lora_rules.evidence import PEFT_SOURCE, SCRIPT_RUNS
from lora_rules.recipe import Blocks


@rule(
    "LL417",
    Severity.ERROR,
    evidence=[
        PEFT_SOURCE.says(
            "PeftModelForCausalLM and PeftModelForSeq2SeqLM read "
            "base_model.prepare_inputs_for_generation when they are built; their forward passes "
            "input_ids to the model, given or not."
        ),
        SCRIPT_RUNS.says(
            "Whisper with either task raises TypeError in forward; with none it trains."
        ),
    ],
)
def task_type_mismatch(
    blocks: Blocks,
    inventory: Lazy,
    task_type: str,
    model_name_or_path: Value,
    pinned_transformers: VersionRange = ANY,
) -> Iterator[Problem]:
    """A task for text generation, on a model that cannot generate or takes no text.

    ## What it checks
    `task_type` is "CAUSAL_LM" or "SEQ_2_SEQ_LM", and the script loads the base model as a
    classifier or another class without generation.

    - Or as `AutoModel`, which has no head for the task; left out with `trust_remote_code`, where it
      may have one, and with transformers pinned below 4.50.
    - Or as a speech model that takes no `input_ids` and gets its adapter by `get_peft_model`:
      Whisper, Speech2Text, SpeechT5, Moonshine.

    ## Why it matters
    PEFT wraps the model's `prepare_inputs_for_generation`, which a classifier or a model without a
    head does not have, and raises AttributeError. For these tasks its wrapper passes `input_ids` to
    the model, given or not: a speech model raises TypeError at the first batch.

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

    loads = loader(blocks)
    if task_type not in ("CAUSAL_LM", "SEQ_2_SEQ_LM") or loads is None:
        return
    if _takes_sound(loads, model_name_or_path) and _is_wrapped(blocks):
        yield Problem(
            "task_type",
            f"with task_type {task_type} PEFT passes input_ids to the model, which a speech model "
            "does not take: TypeError.",
            help="Leave task_type out.",
        )
        return
    if loads == "AutoModel":
        yield from _without_head(blocks, task_type, pinned_transformers)
        return
    name = inventory().class_name
    if name.endswith((*CLASSIFICATION, "ForMaskedLM")):
        right = "TOKEN_CLS" if "Token" in name else "SEQ_CLS"
        classifies = name.endswith(("SequenceClassification", "TokenClassification"))
        edits: tuple[Edit, ...] = (Set("task_type", right),) if classifies else ()
        yield Problem(
            "task_type",
            f"task_type {task_type} on {name}: PEFT raises AttributeError, it cannot generate.",
            edits=edits,
        )


def _without_head(
    blocks: Blocks, task_type: str, pinned_transformers: VersionRange
) -> Iterator[Problem]:
    """AutoModel loads the layers without the head that predicts tokens."""
    if pinned_transformers.certainly_below(_NO_GENERATION) or not _is_wrapped(blocks):
        return
    for block in blocks:
        if block.receiver != "transformers.AutoModel.from_pretrained" or not block.complete:
            continue
        if not any(key.name == "trust_remote_code" for key in block.keys):
            head = "AutoModelForCausalLM" if task_type == "CAUSAL_LM" else "AutoModelForSeq2SeqLM"
            yield Problem(
                block.span,
                f"AutoModel has no head and takes no labels: with task_type {task_type} PEFT "
                "raises AttributeError.",
                severity=None if _is_new(pinned_transformers) else Severity.WARNING,
                help=f"Load it with {head}.",
            )


_NO_GENERATION = "4.50"
"""From this transformers on a model without a head has no prepare_inputs_for_generation."""


def _is_new(pinned: VersionRange) -> bool:
    return not pinned.bounded or pinned.certainly_at_least(_NO_GENERATION)


_OF_SOUND = (
    "WhisperForConditionalGeneration",
    "Speech2TextForConditionalGeneration",
    "SpeechT5ForSpeechToText",
    "MoonshineForConditionalGeneration",
)
"""Classes whose ``forward`` has no ``input_ids``."""


def _takes_sound(loads: str, name: Value) -> bool:
    if loads == "AutoModelForSpeechSeq2Seq":  # others of it do take input_ids
        known = name.value if isinstance(name, Known) else None
        return isinstance(known, str) and known.lower().startswith("openai/whisper-")
    return loads in _OF_SOUND


def _is_wrapped(blocks: Blocks) -> bool:
    """Whether PEFT's own wrapper is put around the model, which transformers' adapters lack."""
    return any(block.receiver == "peft.get_peft_model" for block in blocks)
