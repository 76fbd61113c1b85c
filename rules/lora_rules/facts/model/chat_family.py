"""With which token a chat model begins a turn, and a template of LLaMA-Factory.

Two templates are of one family if a user's turn begins with the same token: ``qwen`` and
``qwen3_nothink`` with ``<|im_start|>``, ``llama3`` with ``<|start_header_id|>``. The table is
recorded from LLaMA-Factory's constants, which name the template of each chat model
(``tools/oracles/llamafactory_chat_families.py``). A base model is in none: it may learn any.
"""

from __future__ import annotations

from lora_rules.engine import packaged
from lora_rules.facts.model.checkpoint_quantization import original

_FILE = "facts/model/chat_families.json"


def template_of(model_name_or_path: str) -> str:
    """The template of LLaMA-Factory that a chat model was trained with; empty if not known.

    A model is known by the last part of its name, which copies of it and local folders keep, and
    with the method of a quantization behind it.
    """
    last = original(model_name_or_path.strip().rstrip("/")).rpartition("/")[2]
    for name in (last, f"meta-{last}", last.removeprefix("meta-")):
        found = packaged.entry(_FILE, name, "models")
        if found is not None:
            return str(found["template"])
    return ""


def family(model_name_or_path: str) -> str:
    """The token that a user's turn begins with in a chat model; empty if none or not known."""
    return family_of_template(template_of(model_name_or_path))


def family_of_template(template: str) -> str:
    """The token that a user's turn begins with in a template of LLaMA-Factory; empty if none."""
    found = packaged.entry(_FILE, template, "templates")
    return str(found.get("begins", "")) if found is not None else ""
