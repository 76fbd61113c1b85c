"""Measure real training steps on a GPU, for the simulator and the closed form to be held against.

    python tools/measure_memory.py --out points.jsonl            every configuration, on GPU 0
    python tools/measure_memory.py --dry --out points.jsonl      tiny models on the CPU, no numbers

Weights are random, models come from configuration objects, nothing is downloaded. Each
configuration runs in a process of its own, so that none inherits another's cache, and one that runs
out of memory is a point too. A line of the output holds the whole run (``SimulatedRun``), the GPU,
the versions and what ``torch.cuda`` counted, in bytes.

This script has not met a GPU yet: no machine with one was at hand when it was written. Its dry mode
is what has been run.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lora_launch.simulator import SimulatedRun
from lora_launch.simulator.opaque import Opaque

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TARGETS = {"all": ALL, "qv": ("q_proj", "v_proj")}
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "trl")


def _llama(
    sizes: tuple[int, int, int, int, int, int], kind: str = "llama", **more: Opaque
) -> dict[str, Any]:
    hidden, inner, layers, heads, groups, vocabulary = sizes
    return {
        "model_type": kind,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "vocab_size": vocabulary,
        "max_position_embeddings": 32768,
        "tie_word_embeddings": False,
        **more,
    }


MODELS = {
    "llama-3.2-1b": _llama((2048, 8192, 16, 32, 8, 128256), tie_word_embeddings=True, head_dim=64),
    "qwen2.5-1.5b": _llama((1536, 8960, 28, 12, 2, 151936), "qwen2", tie_word_embeddings=True),
    "llama-3.2-3b": _llama((3072, 8192, 28, 24, 8, 128256), tie_word_embeddings=True, head_dim=128),
    "qwen3-4b": _llama(
        (2560, 9728, 36, 32, 8, 151936), "qwen3", tie_word_embeddings=True, head_dim=128
    ),
    "mistral-7b": _llama((4096, 14336, 32, 32, 8, 32000), "mistral", sliding_window=None),
    "llama-3.1-8b": _llama((4096, 14336, 32, 32, 8, 128256)),
    "qwen2.5-14b": _llama((5120, 13824, 48, 40, 8, 152064), "qwen2"),
}
"""Shapes of the models' published ``config.json``; 1B to 14B."""

VARIANTS: list[dict[str, Any]] = [
    {},
    {"loss": "model", "optimizer": "adamw_torch"},
    {"targets": "qv", "dropout": 0.05},
    {"attention": "eager", "length": 1024},
    {"quantization": "nf4", "prepare_kbit": True},
    {"quantization": "nf4", "double_quantization": True, "optimizer": "paged_adamw_8bit"},
    {"quantization": "nf4", "checkpointing": None, "length": 512},
]
"""What is changed of the standard run: bf16, SDPA, checkpointing, the trainer's loss, b1 x 2048."""


def configurations() -> Iterator[tuple[str, SimulatedRun]]:
    """Every run that is measured, each with a name: 49."""
    for model, config in MODELS.items():
        for number, variant in enumerate(VARIANTS):
            changes = dict(variant)
            lora = {
                "r": 16,
                "target_modules": list(TARGETS[changes.pop("targets", "all")]),
                "lora_dropout": changes.pop("dropout", 0.0),
            }
            values = {"attention": "sdpa", "autocast": "bfloat16", "length": 2048, **changes}
            yield f"{model}/{number}", SimulatedRun(config, lora, **values)


def tiny(run: SimulatedRun) -> SimulatedRun:
    """The same run with a model of a few thousand parameters, for the dry mode."""
    small = _llama((64, 128, 2, 4, 2, 256), run.model_config["model_type"])
    return replace(run, model_config=small, length=32)


def build(run: SimulatedRun, device: str) -> Opaque:
    """A real model with random weights and real adapters, on the device."""
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoConfig, AutoModelForCausalLM

    values = dict(run.model_config)
    config = AutoConfig.for_model(values.pop("model_type"), **values, use_cache=False)
    with torch.device("cpu" if run.quantization else device):
        model = AutoModelForCausalLM.from_config(
            config, dtype=getattr(torch, run.dtype), attn_implementation=run.attention
        )
    if run.quantization:
        model = quantize(model, run).to(device)
    if run.prepare_kbit:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    model = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **run.lora))
    if run.checkpointing:
        model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": run.checkpointing == "reentrant"}
        )
        model.enable_input_require_grads()
    return model.train()


def quantize(model: Opaque, run: SimulatedRun) -> Opaque:
    """Layers of bitsandbytes in the place of the linear ones; ``.to(device)`` then quantizes."""
    import bitsandbytes as bnb
    import torch
    from torch import nn

    head = model.get_output_embeddings()
    for name, module in list(model.named_modules()):
        if type(module) is nn.Linear and module is not head:
            made = bnb.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=getattr(torch, run.compute_dtype),
                compress_statistics=run.double_quantization,
                quant_type=run.quantization,
            )
            made.weight = bnb.nn.Params4bit(
                module.weight.data,
                requires_grad=False,
                compress_statistics=run.double_quantization,
                quant_type=run.quantization,
                module=made,
            )
            made.bias = module.bias
            model.set_submodule(name, made)
    model.is_loaded_in_4bit = True
    return model


def make_optimizer(name: str, parameters: list[Opaque]) -> Opaque:
    """The optimizer that transformers makes for this name."""
    import torch

    if name == "paged_adamw_8bit":
        import bitsandbytes as bnb

        return bnb.optim.AdamW(parameters, lr=1e-4, optim_bits=8, is_paged=True)
    return torch.optim.AdamW(parameters, lr=1e-4, fused=name == "adamw_torch_fused")


def train(run: SimulatedRun, device: str) -> dict[str, Any]:
    """Two steps, as the trainer takes them; the peaks of each phase of the second."""
    import torch
    from accelerate.utils import convert_outputs_to_fp32

    cuda = device == "cuda"
    model = build(run, device)
    loaded = torch.cuda.memory_allocated() if cuda else None
    parameters = [one for one in model.parameters() if one.requires_grad]
    optimizer = make_optimizer(run.optimizer if cuda else "adamw_torch", parameters)
    vocabulary = run.model_config["vocab_size"]
    ids = torch.randint(0, vocabulary, (run.batch, run.length), device=device)
    amp = torch.autocast(device, getattr(torch, run.autocast)) if run.autocast else nullcontext()

    def forward(**inputs: Opaque) -> Opaque:
        with amp:
            return model(**inputs)

    wrapped = (
        convert_outputs_to_fp32(forward) if run.autocast and run.loss == "trainer" else forward
    )
    phases: dict[str, int] = {}

    def end(phase: str) -> None:
        if cuda:
            torch.cuda.synchronize()
            phases[phase] = torch.cuda.max_memory_allocated()
            torch.cuda.reset_peak_memory_stats()

    for _ in range(run.steps):
        outputs = wrapped(input_ids=ids, labels=ids, num_items_in_batch=ids.numel())
        loss = outputs.loss
        if run.loss == "trainer":
            del outputs
        end("forward")
        loss.backward()
        end("backward")
        if run.clip:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        end("optimizer")
        optimizer.zero_grad(set_to_none=True)
        outputs = None
    found: dict[str, Any] = {"trainable": sum(one.numel() for one in parameters)}
    if cuda:
        free, total = torch.cuda.mem_get_info()
        reserved = torch.cuda.memory_reserved()
        found |= {
            "after_load": loaded,
            "phases": phases,
            "allocated": max(phases.values()),
            "reserved": torch.cuda.max_memory_reserved(),
            "context": total - free - reserved,
            "gpu": torch.cuda.get_device_name(),
            "gpu_total": total,
            "capability": torch.cuda.get_device_capability(),
            "cuda": torch.version.cuda,
        }
    return found


def measure(name: str, dry: bool) -> dict[str, Any]:
    """One point: the run, what it took or why it failed, and the versions."""
    import torch

    run = dict(configurations())[name]
    point: dict[str, Any] = {"id": name, "unit": "bytes", "dry": dry}
    point["versions"] = {package: version(package) for package in PACKAGES}
    point["python"] = platform.python_version()
    if dry:
        run = replace(tiny(run), quantization=None, prepare_kbit=False)
    point["run"] = run.to_dict()
    try:
        point |= train(run, "cpu" if dry else "cuda")
    except torch.OutOfMemoryError as error:
        point["out_of_memory"] = str(error).splitlines()[0]
    return point


def main() -> int:
    """Measure one configuration or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dry", action="store_true", help="tiny models on the CPU, no numbers")
    parser.add_argument("--only", help="one configuration, by its name")
    parser.add_argument("--limit", type=int, default=None, help="so many configurations at most")
    chosen = parser.parse_args()
    if chosen.only:
        with chosen.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(measure(chosen.only, chosen.dry)) + "\n")
        return 0
    if not chosen.dry:
        import torch

        if not torch.cuda.is_available():
            sys.stderr.write("no GPU that torch can use; --dry runs tiny models on the CPU\n")
            return 2
    names = [name for name, _ in configurations()][: chosen.limit]
    failed = 0
    for name in names:
        command = [sys.executable, __file__, "--out", str(chosen.out), "--only", name]
        status = subprocess.run(command + ["--dry"] * chosen.dry, check=False).returncode
        print(f"{name}: {'done' if status == 0 else f'failed with {status}'}", flush=True)
        failed += status != 0
    print(f"{len(names) - failed} of {len(names)} measured, into {chosen.out}")
    if chosen.dry:
        print("A dry run: tiny models on the CPU, without quantization. No GPU was measured.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
