"""What SkyRL refuses beside LoRA (``train/utils/utils.py``, ``train/config/sft_config.py``)."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, differs, given

RANK = "trainer.policy.model.lora.rank"
BACKEND = "generator.inference_engine.backend"

REFUSALS = (
    Refusals(
        "skyrl",
        "SkyRL",
        (
            Refusal(
                "lora-needs-vllm",
                BACKEND,
                (given(RANK), differs(BACKEND, "vllm")),
                f"{RANK} above 0 with another {BACKEND} than vllm",
                f"Set {BACKEND} to vllm.",
                raises="AssertionError",
            ),
            Refusal(
                "num-epochs-with-num-steps",
                "num_steps",
                (given("num_epochs", "num_steps"),),
                "num_epochs and num_steps together",
                "Keep one of them.",
            ),
        ),
        "https://github.com/NovaSky-AI/SkyRL, skyrl 0.3.0: train/utils/utils.py, "
        "train/config/sft_config.py",
        "SkyRL raises it when it validates the configuration.",
    ),
)
