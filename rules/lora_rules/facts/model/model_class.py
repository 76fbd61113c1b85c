"""Which class of a type the base model is loaded as: it decides which head there is."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.value import Unknown
from lora_rules.facts.model.model_table import Task
from lora_rules.recipe import Blocks

LOADERS: Mapping[str, str] = {
    "AutoModelForCausalLM": "causal",
    "AutoModelForSeq2SeqLM": "seq2seq",
    "AutoModelForSpeechSeq2Seq": "speech",
    "AutoModelForMaskedLM": "masked",
    "AutoModelForSequenceClassification": "sequence",
    "AutoModelForImageClassification": "image",
    "AutoModelForImageTextToText": "image_text",
    "AutoModelForVision2Seq": "image_text",
    "AutoModel": "base",
}
"""transformers' loaders and what the table of architectures calls their classes."""


def loader(blocks: Blocks) -> str | None:
    """The class that a script loads the model with, ``AutoModelForCausalLM``; else ``None``."""
    names = {
        owner.rpartition(".")[2]
        for block in blocks
        if (owner := block.receiver.removesuffix(".from_pretrained")) != block.receiver
        and owner.startswith("transformers.")
    }
    return next(iter(names)) if len(names) == 1 else None


def task_of(loads: str | None, task_type: str | None, tasks: Mapping[str, Task]) -> str | None:
    """What the table calls the class of the base model; ``None`` for the usual one.

    Args:
        loads: the class that a script loads it with (:func:`loader`).
        task_type: PEFT's word for what the model is for.
        tasks: the classes of the model's type.

    Raises:
        Unknown: if the script loads it as a class that the table does not have.
    """
    if loads is not None:
        own = next((task for task, one in tasks.items() if one.class_name == loads), None)
        task = own or LOADERS.get(loads)
        if task is None or task not in tasks:
            raise Unknown(f"the modules of a model loaded as {loads} are not known")
        return task
    wanted = {"SEQ_CLS": "sequence", "FEATURE_EXTRACTION": "base"}.get(task_type or "")
    return wanted if wanted in tasks else None
