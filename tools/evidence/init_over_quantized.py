"""Initialisations that read the base weights, over a model in 4 and in 8 bits.

python tools/evidence/init_over_quantized.py
"""

from __future__ import annotations

import os
import tempfile
import warnings
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""
METHODS = ("pissa", "corda", "mica", "orthogonal", "olora", "gaussian", True)


def main() -> None:
    """Print what PEFT does with each."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4
    )
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM(config).save_pretrained(folder)
        for method in METHODS:
            for bits in (4, 8):
                print(f"{method}, {bits} bit: {_outcome(folder, method, bits)}")


def _outcome(folder: str, method: object, bits: int) -> str:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    quantized = BitsAndBytesConfig(**{f"load_in_{bits}bit": True})
    model = AutoModelForCausalLM.from_pretrained(folder, quantization_config=quantized)
    config = LoraConfig(r=8, target_modules=["q_proj"], init_lora_weights=method)
    try:
        get_peft_model(model, config)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:90]}"
    return "works"


if __name__ == "__main__":
    main()
