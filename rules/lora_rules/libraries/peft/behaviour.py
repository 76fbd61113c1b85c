"""How a script behaves that calls PEFT itself: what it does not do nobody does."""

from __future__ import annotations

from lora_rules.engine.behaviour import Behaviour


class Framework(Behaviour):
    """A script that calls PEFT."""

    label = "PEFT"
    adapter_as_written = True
    sets_task = False
    direct = True
    dtype_is_the_models = True
    trl_arguments = True
    library_defaults = True
    task_says_kind = True
    refuses_calls = True
