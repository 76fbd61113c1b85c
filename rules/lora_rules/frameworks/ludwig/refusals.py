"""What Ludwig refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, below, differs, given

ROWS = (
    Refusal(
        "adapter-with-other-trainer-type",
        "trainer.type",
        (given("adapter"), differs("trainer.type", "finetune", "none")),
        "an adapter with a trainer.type other than finetune",
        "Set trainer.type: finetune.",
        raises="ConfigValidationError",
    ),
    Refusal(
        "merge-into-base-model-below-8-bits",
        "adapter.postprocessor.merge_adapter_into_base_model",
        (
            given("adapter.postprocessor.merge_adapter_into_base_model"),
            below("quantization.bits", 8),
        ),
        "merge_adapter_into_base_model with a quantization below 8 bits",
        "Merge after training, into the base model in 16 bit.",
        raises="ConfigValidationError",
    ),
)

REFUSALS = (
    Refusals(
        "ludwig",
        "Ludwig",
        ROWS,
        "https://github.com/ludwig-ai/ludwig, ludwig/config_validation/checks.py",
        "Ludwig raises it when it validates the configuration, before anything is loaded.",
    ),
)
