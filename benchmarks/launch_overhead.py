"""``lora-launch`` against the shortest TRL script of the same work: time to a step, and per step.

    python benchmarks/launch_overhead.py [--repeats 5] [--steps 120]

Both train the tiny model of ``tools/make_tiny_model.py`` on the CPU, one after the other, again and
again. The clock is outside of both: it reads the lines that they print, and the processor time of
their processes at each of them. The time to the first step counts from the command; steps per
second from the first tenth of the steps to the last one. On a busy machine the processor time is
the one to believe. Ratios are medians of the pairs. Aims: 1.10 to the first step, 1.01 per step.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
DATA = ROOT / "examples" / "launch" / "data" / "train.jsonl"
CONFIG = """\
model: {{pretrained_model_name_or_path: {place}/model}}
lora: {{r: 8, lora_alpha: 16, target_modules: all-linear}}
data: {{train: {data}}}
training:
  max_length: 128
  per_device_train_batch_size: 8
  max_steps: {steps}
  learning_rate: 1.0e-3
  gradient_checkpointing: false
  bf16: false
  use_cpu: true
  logging_steps: {every}
  logging_first_step: true
  save_strategy: "no"
run: {{name: overhead, output_dir: {place}/run}}
"""
SCRIPT = """\
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

trainer = SFTTrainer(
    model="{place}/model",
    args=SFTConfig(
        output_dir="{place}/raw",
        max_length=128,
        per_device_train_batch_size=8,
        max_steps={steps},
        learning_rate=1.0e-3,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps={every},
        logging_first_step=True,
        save_strategy="no",
        report_to="none",
    ),
    train_dataset=load_dataset("json", data_files="{data}", split="train"),
    peft_config=LoraConfig(
        r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"
    ),
)
trainer.train()
trainer.save_model("{place}/raw")
"""
STEP = re.compile(r"\bloss\b")


@dataclass(frozen=True, slots=True)
class Times:
    """One start: seconds on the wall, and of the processor."""

    first: tuple[float, float]
    """From the command to the first step."""
    each: tuple[float, float]
    """A step, later."""


def measure(command: list[str], steps: int, every: int) -> Times:
    """Run a command and read its lines.

    Raises:
        SystemExit: if it ends badly.
    """
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    marks: list[tuple[float, float]] = []
    said = []
    for line in process.stdout or ():
        said.append(line)
        if STEP.search(line) and not line.lower().startswith("done"):
            marks.append((time.perf_counter() - began, processor(process.pid)))
    if process.wait() or len(marks) < steps // every + 1:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{''.join(said)}")
    early, last = marks[1], marks[steps // every]
    number = steps - every
    return Times(marks[0], ((last[0] - early[0]) / number, (last[1] - early[1]) / number))


def processor(pid: int) -> float:
    """Processor seconds of a process and everything that it has started."""
    root = psutil.Process(pid)
    found = 0.0
    for each in [root, *root.children(recursive=True)]:
        times = each.cpu_times()
        found += times.user + times.system + times.children_user + times.children_system
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=120)
    options = parser.parse_args()
    steps = options.steps // 10 * 10
    with tempfile.TemporaryDirectory() as folder:
        commands = prepare(Path(folder), steps)
        found: dict[str, list[Times]] = {name: [] for name in commands}
        for name, command in commands.items():
            measure(command, steps, steps // 10)  # the tokenized data is cached from here on
            print(f"{name} is warm", flush=True)
        for _ in range(options.repeats):
            for name, command in commands.items():
                found[name].append(measure(command, steps, steps // 10))
    tell(found, steps)


def prepare(place: Path, steps: int) -> dict[str, list[str]]:
    """Write model, configuration and script; the answer is the two commands."""
    make = [sys.executable, str(ROOT / "tools" / "make_tiny_model.py"), str(place / "model")]
    subprocess.run([*make, "--steps", "0"], check=True, capture_output=True)
    values = {"place": place, "data": DATA, "steps": steps, "every": steps // 10}
    (place / "run.yaml").write_text(CONFIG.format(**values))
    (place / "raw.py").write_text(SCRIPT.format(**values))
    launch = str(Path(sys.executable).with_name("lora-launch"))
    return {
        "TRL script": [sys.executable, str(place / "raw.py")],
        "lora-launch": [launch, "--config", str(place / "run.yaml"), "--restart"],
    }


def tell(found: dict[str, list[Times]], steps: int) -> None:
    """The medians, and the ratios of the pairs."""
    libraries = ("torch", "transformers", "peft", "trl", "accelerate")
    print(
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in libraries)
        + f"; {os.cpu_count()} cores, {steps} steps, {len(found['lora-launch'])} repeats"
    )
    pairs = list(zip(found["TRL script"], found["lora-launch"], strict=True))
    for what, unit, scale in (("first", "s", 1), ("each", "ms", 1000)):
        title = "to the first step" if what == "first" else "a step"
        for column, clock in enumerate(("wall", "processor")):
            raw = [getattr(one, what)[column] for one, _ in pairs]
            ours = [getattr(two, what)[column] for _, two in pairs]
            ratios = sorted(two / one for one, two in zip(raw, ours, strict=True))
            print(
                f"{title:18} {clock:9} TRL {statistics.median(raw) * scale:7.2f} {unit}"
                f"  lora-launch {statistics.median(ours) * scale:7.2f} {unit}"
                f"  {statistics.median(ratios):5.3f}x ({ratios[0]:.3f} to {ratios[-1]:.3f})"
            )


if __name__ == "__main__":
    main()
