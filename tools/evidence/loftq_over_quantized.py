"""LoftQ over a model that is loaded in 4 or 8 bits already.

    python tools/evidence/loftq_over_quantized.py

PEFT's ``loftq_init`` moves the weight to CUDA first; here the name of the device in its own source
is replaced, so that it runs without a GPU. Needs scipy.
"""

from __future__ import annotations

import inspect
import os
import tempfile
import warnings
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""


def main() -> None:
    """Print the shapes that LoftQ gives the adapter, and what the first forward pass does."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    from transformers import LlamaConfig, LlamaForCausalLM

    _without_cuda()
    config = LlamaConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=4
    )
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM(config).save_pretrained(folder)
        for bits in (16, 8, 4):
            print(f"{bits} bit: {_outcome(folder, bits)}")


def _without_cuda() -> None:
    from peft.tuners.lora import layer
    from peft.utils import loftq_utils

    source = inspect.getsource(loftq_utils.loftq_init).replace('else "cuda"', 'else "cpu"')
    names = dict(vars(loftq_utils))
    exec(source, names)  # noqa: S102 - PEFT's own function
    layer.loftq_init = names["loftq_init"]


def _outcome(folder: str, bits: int) -> str:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    asked = {} if bits == 16 else {f"load_in_{bits}bit": True}
    more = {"quantization_config": BitsAndBytesConfig(**asked)} if asked else {}
    model = AutoModelForCausalLM.from_pretrained(folder, **more)
    config = LoraConfig(
        r=8,
        target_modules=["q_proj"],
        init_lora_weights="loftq",
        loftq_config={"loftq_bits": 4, "loftq_iter": 1},
    )
    model = get_peft_model(model, config)
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    shapes = [tuple(each["default"].weight.shape) for each in (layer.lora_A, layer.lora_B)]
    try:
        model(input_ids=torch.arange(8)[None])
    except RuntimeError as error:
        return f"A and B are {shapes}, the forward pass raises {error}"
    return f"A and B are {shapes}, the forward pass works"


if __name__ == "__main__":
    main()
