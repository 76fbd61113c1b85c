"""The simulator's answer to each published measurement, kept so that nothing is simulated twice.

A setup is known by everything that it says, by the versions of the libraries and by the
simulator's own source, so a cache is never older than what made it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from memory_points import Point

import lora_launch.simulator
from lora_launch.simulator import BadRun, SimulatedRun, simulate
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory.allocator import T4
from lora_rules.facts.memory.loop import Attention

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "trl", "accelerate")
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
LOSSES = {
    LossPath.TRAINER: "trainer",
    LossPath.PLAIN: "model",
    LossPath.LIGER: "liger",
    LossPath.CUT: "cut_cross_entropy",
    LossPath.LITGPT: "litgpt",
}
CACHE = Path.home() / ".cache/lora-lint/simulations.json"


@dataclass(frozen=True)
class Simulated:
    """What the simulator says of one point, in bytes."""

    allocated: float
    reserved: float
    verdict: str | None


def run_of(point: Point) -> SimulatedRun | None:
    """The point's setup, or ``None`` where the simulator does not follow its code."""
    step, loop = point.step, point.step.loop
    if point.config is None or loop.loss not in LOSSES:
        return None
    if loop.checkpointing is Checkpointing.OFFLOADED or point.sharding.offload:
        return None
    if point.sharding.strategy not in ("none", "fsdp", "ddp"):
        return None
    t4 = point.device is T4
    eager, masked = loop.attention is Attention.EAGER, loop.attention is Attention.EFFICIENT
    litgpt = loop.loss is LossPath.LITGPT
    adapter = step.adapter
    lora: dict[str, object] = {
        "r": max(adapter.ranks.values()),
        "target_modules": point.targets or sorted(adapter.ranks),
        "lora_dropout": adapter.dropout,
        "use_dora": adapter.dora,
    }
    if adapter.extra:
        lora["modules_to_save"] = ["embed_tokens", "lm_head"]
    return SimulatedRun(
        dict(point.config),
        lora,
        batch=step.batch,
        length=step.length,
        dtype=DTYPES[loop.base],
        autocast=DTYPES[loop.autocast] if loop.autocast else None,
        adapter_dtype=None if loop.adapter == "fp32" else DTYPES[loop.adapter],
        quantization=None if loop.quantization == "none" else loop.quantization.split("-")[0],
        double_quantization=loop.quantization.endswith("-dq"),
        compute_dtype="float16" if loop.base == "fp16" else "bfloat16",
        prepare_kbit=loop.prepared,
        checkpointing=None if loop.checkpointing is Checkpointing.NONE else "non-reentrant",
        attention="eager" if eager else "sdpa" if masked or litgpt else "flash_attention_2",
        sdpa_kernel="efficient" if t4 and not eager else None,
        padding=loop.mask,
        loss=LOSSES[loop.loss],
        optimizer=point.optimizer,
        clip=not t4,
        world_size=point.sharding.gpus,
        strategy=None if point.sharding.strategy == "none" else point.sharding.strategy,
        gpu_total_bytes=point.total,
        gpu_capability=(7, 5) if t4 else (8, 0),
        gpu_context_bytes=point.device.context,
    )


def versions() -> dict[str, str]:
    """What is simulated with."""
    return {name: version(name) for name in PACKAGES}


def simulations(
    points: Iterable[Point], cache: Path = CACHE, workers: int = 2
) -> list[Simulated | None]:
    """The simulator's answers, in the order of the points.

    Args:
        points: what was measured.
        cache: a file with the answers of before, written to as they come.
        workers: simulations at a time; with none, only what the cache has is answered.
    """
    known: dict[str, list[float | str | None]] = {}
    if cache.exists():
        known = json.loads(cache.read_text(encoding="utf-8"))
    runs = [run_of(point) for point in points]
    source = _source()
    keys = [None if run is None else _key(run, source) for run in runs]
    fresh = {key: run for key, run in zip(keys, runs, strict=True) if key and key not in known}
    if fresh and workers:
        cache.parent.mkdir(parents=True, exist_ok=True)
        # Each worker starts anew: a forked torch has another's threads.
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers, maxtasksperchild=8) as pool:
            for key, answer in pool.imap_unordered(_answer, fresh.items()):
                known[key] = answer
                print(f"{len(known)} simulated", flush=True)
                cache.write_text(json.dumps(known), encoding="utf-8")
    return [_simulated(known[key]) if key and key in known else None for key in keys]


def _simulated(answer: list[float | str | None]) -> Simulated | None:
    allocated, reserved, verdict = answer
    if not isinstance(allocated, int | float) or not isinstance(reserved, int | float):
        print(f"not simulated: {verdict}")
        return None
    return Simulated(allocated, reserved, verdict if isinstance(verdict, str) else None)


def _answer(task: tuple[str, SimulatedRun]) -> tuple[str, list[float | str | None]]:
    key, run = task
    try:
        found = simulate(run)
    except BadRun as error:
        return key, [None, None, str(error)]
    return key, [found.allocated, found.reserved, found.verdict]


def _source() -> str:
    folder = Path(lora_launch.simulator.__file__).parent
    names = ("svg.py", "translate.py", "__main__.py")
    files = sorted(path for path in folder.glob("*.py") if path.name not in names)
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _key(run: SimulatedRun, source: str) -> str:
    whole: Mapping[str, object] = {"run": run.to_dict(), "code": source, "with": versions()}
    text = json.dumps(whole, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
