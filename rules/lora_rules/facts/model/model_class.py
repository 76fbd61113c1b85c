"""Which class of a type the base model is loaded as: it decides which head there is."""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine.value import Unknown
from lora_rules.facts.model.model_table import Task
from lora_rules.recipe import Recipe

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
CLASSIFYING = ("ForSequenceClassification", "ForTokenClassification")


def loader(recipe: Recipe) -> str | None:
    """The class that a script loads the model with, ``AutoModelForCausalLM``; else ``None``."""
    names = {
        owner.rpartition(".")[2]
        for block in recipe.blocks
        if (owner := block.receiver.removesuffix(".from_pretrained")) != block.receiver
        and owner.startswith("transformers.")
    }
    return next(iter(names)) if len(names) == 1 else None


def task_of(recipe: Recipe, task_type: str | None, tasks: Mapping[str, Task]) -> str | None:
    """What the table calls the class of the base model; ``None`` for the usual one.

    Raises:
        Unknown: if the script loads it as a class that the table does not have.
    """
    name = loader(recipe)
    if name is not None:
        own = next((task for task, one in tasks.items() if one.class_name == name), None)
        task = own or LOADERS.get(name)
        if task is None or task not in tasks:
            raise Unknown(f"the modules of a model loaded as {name} are not known")
        return task
    wanted = {"SEQ_CLS": "sequence", "FEATURE_EXTRACTION": "base"}.get(task_type or "")
    return wanted if wanted in tasks else None
