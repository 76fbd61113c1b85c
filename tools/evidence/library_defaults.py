"""What the installed libraries default to and refuse, as far as the pages on formats say it.

python tools/evidence/library_defaults.py
"""

from __future__ import annotations

import inspect
import os
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

Opaque: TypeAlias = Any
"""An object of the libraries."""


def main() -> None:
    """Print each, with the version that it was asked of."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    for name in ("transformers", "peft", "trl", "bitsandbytes", "torch"):
        print(name, version(name))
    _quantization()
    _precision()
    _dtypes()
    _bfloat16()


def _quantization() -> None:
    import torch
    from bitsandbytes.functional import quantize_4bit
    from transformers import BitsAndBytesConfig

    four = BitsAndBytesConfig(load_in_4bit=True)
    print("load_in_4bit alone:", four.bnb_4bit_quant_type, four.bnb_4bit_compute_dtype)
    print("its double quantization:", four.bnb_4bit_use_double_quant)
    for kind in ("fp4", "nf4"):
        packed, state = quantize_4bit(torch.randn(64, 64), quant_type=kind)
        print(f"4096 weights in {kind}: {packed.nbytes + state.absmax.nbytes} bytes")
    from transformers.quantizers.auto import AutoHfQuantizer

    try:
        AutoHfQuantizer.merge_quantization_configs({"quant_method": "gptq", "bits": 4}, four)
    except ValueError as error:
        print("4 bits over GPTQ: ValueError:", str(error)[:120])


def _precision() -> None:
    from transformers import TrainingArguments

    try:
        TrainingArguments(output_dir="out", fp16=True, bf16=True, use_cpu=True)
    except ValueError as error:
        print("fp16 and bf16: ValueError:", error)


def _dtypes() -> None:
    """A bfloat16 checkpoint, loaded without a dtype by transformers and by TRL."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
    from trl.trainer.utils import create_model_from_path

    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    with tempfile.TemporaryDirectory() as folder:
        LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
        print("from_pretrained:", AutoModelForCausalLM.from_pretrained(folder).dtype)
        print("TRL, by name:", create_model_from_path(folder).dtype)


def _bfloat16() -> None:
    """Whether transformers asks torch for bfloat16 that is not emulated."""
    import torch
    from transformers.utils import import_utils

    asked = "torch.cuda.is_bf16_supported()"
    source = Path(import_utils.__file__).read_text(encoding="utf-8")
    emulated = inspect.signature(torch.cuda.is_bf16_supported).parameters["including_emulation"]
    print(f"transformers asks {asked}:", asked in source)
    print("torch counts emulated bfloat16 unless told otherwise:", emulated.default)
    largest = torch.tensor(70000.0, dtype=torch.bfloat16).to(torch.float16)
    print("70000 from bfloat16 to float16:", largest.item())
    bits = [torch.finfo(each).eps for each in (torch.float16, torch.bfloat16)]
    print("bfloat16's steps over float16's:", bits[1] / bits[0])


if __name__ == "__main__":
    main()
