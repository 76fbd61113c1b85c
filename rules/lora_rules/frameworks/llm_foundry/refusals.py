"""What LLM Foundry refuses."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusal, Refusals, given

ROWS = (
    Refusal(
        "load-in-8bit-in-training",
        "model.load_in_8bit",
        (given("model.load_in_8bit"),),
        "model.load_in_8bit in training",
        "Remove it.",
    ),
)

REFUSALS = (
    Refusals(
        "llm-foundry",
        "LLM Foundry",
        ROWS,
        "https://github.com/mosaicml/llm-foundry, llmfoundry/models/hf/hf_causal_lm.py",
        "LLM Foundry raises it when it builds the model.",
    ),
)
