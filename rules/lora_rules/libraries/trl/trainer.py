"""How TRL's SFTTrainer trains. Its command-line scripts are ``frameworks/trl``."""

from __future__ import annotations

from lora_rules.engine.trainer import LossPath, TrainerBehaviour, Version


class Trainer(TrainerBehaviour):
    """TRL's SFTTrainer."""

    label = "TRL"
    classes = frozenset({"trl.SFTTrainer"})
    versioned = True
    loads_models = True
    checkpoints = True
    bf16_by_default = True
    joins_rows = True
    simulated_loss = "trl"
    loss_switch = "`use_liger_kernel=True`, or TRL 1.7 with its chunked loss"

    def loss(self, version: Version | None, *, liger: bool, cut: bool) -> tuple[LossPath, bool]:
        """Log-probabilities in chunks by default since 1.7 (opt-in from 1.4).

        Before, the logits are there in full, as float32 (TRL 1.16's ``sft_trainer.py`` and
        ``kernels/chunked_logprob.py``; accelerate's ``convert_outputs_to_fp32``). TRL 1.16 turns
        Liger's fused loss off in favour of its own.
        """
        if not (version and version < (1, 7)):
            return LossPath.CHUNKED, True
        return super().loss(version, liger=liger, cut=cut)

    def loads_float32(self, version: Version | None) -> bool:
        """From 0.27 to 1.16 at least.

        ``create_model_from_path`` (``trainer/utils.py``): ``kwargs.get("dtype", "float32")``; 0.26
        has ``"auto"`` there, and before it was left to transformers. transformers 5 itself loads
        what the checkpoint holds, 16 bit as a rule.
        """
        return not (version and version < (0, 27))

    def prepares(self, version: Version | None) -> bool:
        """Not since 0.26, whose ``sft_trainer.py`` has no such call."""
        return version is not None and version < (0, 26)

    def adapter_over_quantized(self, version: Version | None) -> str:
        """TRL 1.16 makes bf16 of a quantized model's adapter."""
        return "fp32" if version and version < (1, 0) else "bf16"
