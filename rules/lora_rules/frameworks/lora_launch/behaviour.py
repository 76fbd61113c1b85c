"""How lora-launch behaves: TRL's SFTTrainer, with the model that the configuration describes."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A recipe in our own format."""

    adapter_as_written = True
    sets_task = False
    prepares_initialisation = False
    dtype_is_the_models = True
    trl_arguments = True
    library_defaults = True
    files_are_datasets = True
    trainer = "trl"
