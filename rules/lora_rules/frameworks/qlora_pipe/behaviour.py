"""How qlora-pipe behaves: PEFT's LoraConfig, and everything else its own."""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.behaviour import Behaviour

if TYPE_CHECKING:
    from lora_rules.engine.draft import Draft


class Framework(Behaviour):
    """A file that qlora-pipe reads."""

    names_as_written = True
    prepares_initialisation = False
    supervised = True
    always_warms_up = True

    def derive(self, draft: Draft) -> None:
        """A table ``rl`` names a method of preferences; ``batch_size_tokens`` overrules sizes."""
        if draft.find(["rl.method"]) is not None:
            draft.take_from("trainer_method", "rl.method")
        tokens, size = draft.find(["batch_size_tokens"]), draft.find(["micro_batch_size_per_gpu"])
        if tokens is None:
            return
        if size is not None and draft.plain("micro_batch_size_per_gpu") != 1:
            draft.ignores(
                size,
                "micro_batch_size_per_gpu only without batch_size_tokens",
                "Remove one of the two.",
            )
        draft.leave_open("per_device_train_batch_size", tokens, "batch_size_tokens decides it")
