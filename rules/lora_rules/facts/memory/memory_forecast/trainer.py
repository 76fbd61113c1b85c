"""Who trains, in which version, and how the base reaches it."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.trainer import TrainerBehaviour
from lora_rules.engine.value import Unknown
from lora_rules.facts.memory.loop import trainer_by
from lora_rules.facts.run.run_settings import handed_to, is_on, keys, pinned
from lora_rules.recipe import Recipe


def trainer_of(recipe: Recipe, framework: Behaviour) -> str:
    """Whose training loop runs.

    Unsloth patches whatever trainer its model is given to, so a switch for it wins.

    Raises:
        Unknown: if it is not modelled, or the file does not show it.
    """
    trainer = handed_to(recipe, framework) or framework.trainer
    if trainer:
        return trainer
    if not framework.direct:
        raise Unknown(f"how {framework.label} trains is not modelled")
    found = {b.receiver for b in recipe.blocks if b.receiver.endswith("Trainer")}
    if len(found) != 1:
        raise Unknown("the file does not show which trainer runs it")
    receiver = found.pop()
    package = receiver.partition(".")[0]
    try:
        modelled = receiver in trainer_by(package).classes
    except Unknown:
        modelled = False
    if not modelled:
        raise Unknown(f"how {receiver} trains is not modelled")
    return package


def version_of(recipe: Recipe, trainer: TrainerBehaviour) -> tuple[int, ...] | None:
    """The trainer's pinned version."""
    return pinned(recipe, trainer.name) if trainer.versioned else None


def by_name(recipe: Recipe, framework: Behaviour, trainer: TrainerBehaviour) -> bool:
    """Whether the trainer is given the model's name and loads it itself.

    TRL's scripts give it; lora-launch loads the model as its configuration says; in Python the
    call shows it.
    """
    if not trainer.loads_models or framework.loads_by_name:
        return trainer.loads_models
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
