"""Who trains, in which version, and how the base reaches it."""

from __future__ import annotations

from lora_rules.engine.value import Unknown
from lora_rules.facts.run.run_settings import is_on, is_unsloth, keys, pinned
from lora_rules.recipe import Recipe

TRAINERS = {
    "trl.SFTTrainer": "trl",
    "transformers.Trainer": "transformers",
    "transformers.Seq2SeqTrainer": "transformers",
}
"""Python's trainers whose loop is modelled."""
DIALECTS = {
    "axolotl": "axolotl",
    "llamafactory": "transformers",
    "trl": "trl",
    "lora-launch": "trl",
    "torchtune": "torchtune",
}
"""Files' dialects whose loop is modelled, and whose loop it is."""


def trainer_of(recipe: Recipe) -> str:
    """Whose training loop runs.

    Unsloth patches whatever trainer its model is given to, so its name wins.

    Raises:
        Unknown: if it is not modelled, or the file does not show it.
    """
    if is_unsloth(recipe):
        return "unsloth"
    if recipe.dialect in DIALECTS:
        return DIALECTS[recipe.dialect]
    who = recipe.framework or recipe.dialect
    if recipe.dialect != "peft":
        raise Unknown(f"how {who} trains is not modelled")
    found = {b.receiver for b in recipe.blocks if b.receiver.endswith("Trainer")}
    if len(found) != 1:
        raise Unknown("the file does not show which trainer runs it")
    receiver = found.pop()
    if receiver not in TRAINERS:
        raise Unknown(f"how {receiver} trains is not modelled")
    return TRAINERS[receiver]


def version_of(recipe: Recipe, trainer: str) -> tuple[int, ...] | None:
    """The trainer's pinned version."""
    return pinned(recipe, trainer) if trainer in ("trl", "transformers") else None


def by_name(recipe: Recipe, trainer: str) -> bool:
    """Whether TRL is given the model's name and loads it itself.

    Its scripts are; lora-launch loads the model as its configuration says; in Python the call
    shows it.
    """
    if trainer != "trl" or recipe.dialect == "trl":
        return trainer == "trl"
    return any(
        key.name == "model" and len(key.candidates) == 1 and isinstance(key.candidates[0], str)
        for block in recipe.blocks
        if block.receiver.endswith("Trainer")
        for key in block.keys
    )


def written_loss(recipe: Recipe) -> tuple[bool, bool]:
    """Whether Liger's loss, and whether cut cross-entropy is on."""
    liger = ("use_liger_kernel", "enable_liger_kernel", "liger_fused_linear_cross_entropy")
    plugins = [str(k.candidates) for k in keys(recipe) if k.name.split(".")[0] == "plugins"]
    cut = any("CutCrossEntropyPlugin" in each for each in plugins)
    off = any(k.name == "cut_cross_entropy" and k.candidates == (False,) for k in keys(recipe))
    return any(is_on(recipe, name) for name in liger), cut and not off
