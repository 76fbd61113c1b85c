"""Who trains, and what the calls and keys of a file show of it."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.refusals import Written
from lora_rules.engine.refusals import written as written_in
from lora_rules.engine.trainer import TrainerBehaviour
from lora_rules.engine.value import Unknown, Value
from lora_rules.facts.memory.loop import trainer_by
from lora_rules.facts.run.written_keys import every_key, handed_to, keys_on, may_be_on
from lora_rules.recipe import Blocks


def running_trainer(blocks: Blocks, framework: Behaviour) -> TrainerBehaviour:
    """Fact: whose training loop runs.

    Unsloth patches whatever trainer its model is given to, so a switch for it wins.

    Raises:
        Unknown: if it is not modelled, or the file does not show it.
    """
    trainer = handed_to(blocks, framework) or framework.trainer
    if trainer:
        return trainer_by(trainer)
    if not framework.direct:
        raise Unknown(f"how {framework.label} trains is not modelled")
    found = {b.receiver for b in blocks if b.receiver.endswith("Trainer")}
    if len(found) != 1:
        raise Unknown("the file does not show which trainer runs it")
    receiver = found.pop()
    try:
        shown = trainer_by(receiver.partition(".")[0])
    except Unknown:
        shown = None
    if shown is None or receiver not in shown.classes:
        raise Unknown(f"how {receiver} trains is not modelled")
    return shown


def by_name(blocks: Blocks, framework: Behaviour, trainer: TrainerBehaviour) -> bool:
    """Whether the trainer is given the model's name and loads it itself.

    TRL's scripts give it; lora-launch loads the model as its configuration says; in Python the
    call shows it.
    """
    if not trainer.loads_models or framework.loads_by_name:
        return trainer.loads_models
    return any(
        key.name == "model" and len(key.candidates) == 1 and isinstance(key.candidates[0], str)
        for block in blocks
        if block.receiver.endswith("Trainer")
        for key in block.keys
    )


def own_keys(blocks: Blocks) -> Written:
    """The keys of the recipe's own file or call."""
    return written_in(blocks[0]) if blocks else Written({})


def is_liger(use_liger_kernel: Value, blocks: Blocks) -> bool:
    """Whether Liger's loss is on, or may be."""
    others = ("enable_liger_kernel", "liger_fused_linear_cross_entropy")
    asked = may_be_on(use_liger_kernel, blocks, "use_liger_kernel")
    return asked or bool(keys_on(blocks, others))


def is_cut(blocks: Blocks) -> bool:
    """Whether axolotl's plugin for cut cross-entropy is on."""
    plugins = (key for key in every_key(blocks) if key.name.split(".")[0] == "plugins")
    cut = any("CutCrossEntropyPlugin" in str(key.candidates) for key in plugins)
    return cut and not any(
        key.name == "cut_cross_entropy" and key.candidates == (False,) for key in every_key(blocks)
    )
