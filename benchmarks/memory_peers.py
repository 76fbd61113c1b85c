"""What other estimators say of the same runs. Imported by ``memory_accuracy.py``.

They are called in a Python of their own (``--peers``) that has fitcheck-llm and peft-doctor, both
by their functions and not through the hub, with everything that they let one say.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from memory_points import GIB, MIB, Point

from lora_rules.engine.trainer import Checkpointing
from lora_rules.facts.memory.loop import Attention

SCRIPT = r"""
import json, sys
from importlib.metadata import version
from fitcheck.config_parser import ModelConfig
from fitcheck.estimator import TrainingConfig, estimate
from fitcheck.gpu_db import get_gpu
from peft_doctor.estimator import estimate_vram_gb
out = {"versions": {name: version(name) for name in ("fitcheck-llm", "peft-doctor")}, "rows": []}
for row in json.load(sys.stdin):
    answer = {}
    try:
        report = estimate(
            ModelConfig(**row["model"]), TrainingConfig(**row["training"]), get_gpu(row["gpu"])
        )
        answer["tensors"] = report.total_mib - report.overhead_mib
        answer["process"] = report.total_mib
    except ValueError as problem:
        answer["refused"] = str(problem)
    found = estimate_vram_gb(row["model"]["name"], **row["doctor"])
    answer["doctor"] = found.metadata["estimated_total_gb"]
    out["rows"].append(answer)
json.dump(out, sys.stdout)
"""

GPUS = {"fitcheck": "t4", "PEFT method": "l40s", "LitGPT": "a100-40"}


@dataclass(frozen=True)
class Peers:
    """What they answered, in the order of the points, and which versions they were."""

    versions: Mapping[str, str]
    fitcheck: list[tuple[float, float] | None]
    """Bytes of tensors and of the process; ``None`` where it refuses."""
    doctor: list[float]
    """Bytes, of one kind only."""


def _row(point: Point) -> dict[str, object]:
    step = point.step
    shape, loop, adapter = step.shape, step.loop, step.adapter
    tied = shape.embedding_parameters < 2 * shape.vocabulary * shape.hidden
    checkpointing = loop.checkpointing is not Checkpointing.NONE
    four_bit = loop.quantization != "none"
    gpu = next((GPUS[key] for key in GPUS if key in point.source), "a100-80")
    return {
        "model": {
            "name": f"{shape.parameters / 1e9:.2f}B",
            "num_params": shape.parameters,
            "hidden_size": shape.hidden,
            "num_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_kv_heads": shape.keys // (shape.queries // shape.heads),
            "intermediate_size": shape.inner,
            "vocab_size": shape.vocabulary,
            "head_dim": shape.queries // shape.heads,
            "tie_word_embeddings": tied,
        },
        "training": {
            "precision": loop.base,
            "quantization": "nf4" if four_bit else "none",
            "double_quant": loop.quantization == "nf4-dq",
            "optimizer": "adam8bit" if "8bit" in point.optimizer else "adamw",
            "batch_size": step.batch,
            "seq_len": step.length,
            "lora_rank": max(adapter.ranks.values()),
            "lora_targets": [name for name in adapter.ranks if name in NAMES] or ["q_proj"],
            "grad_checkpoint": checkpointing,
            "flash_attn": loop.attention is not Attention.EAGER,
        },
        "gpu": gpu,
        "doctor": {
            "seq_len": step.length,
            "batch_size": step.batch,
            "qlora": four_bit,
            "gradient_checkpointing": checkpointing,
            "params_billion": shape.parameters / 1e9,
            "hidden_size": shape.hidden,
            "num_layers": shape.layers,
        },
    }


NAMES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def ask(python: str, points: list[Point]) -> Peers:
    """What the peers say of these points."""
    request = json.dumps([_row(point) for point in points])
    done = subprocess.run(
        [python, "-c", SCRIPT], input=request, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the peers failed: {done.stderr[-2000:]}")
    answer = json.loads(done.stdout)
    return Peers(
        answer["versions"],
        [
            None if "refused" in row else (row["tensors"] * MIB, row["process"] * MIB)
            for row in answer["rows"]
        ],
        [row["doctor"] * GIB for row in answer["rows"]],
    )
