"""What the tests of several machines share: a tiny run, a real Slurm, and what was learnt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import ROOT
from launch_cases import metrics

DATA = ROOT / "examples" / "launch" / "data"
CONFIG = """\
model: {{pretrained_model_name_or_path: model}}
lora: {{r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: all-linear}}
data: {{train: {data}/train.jsonl, eval: {data}/eval.jsonl, max_samples: 96, max_eval_samples: 4}}
training:
  max_length: 64
  per_device_train_batch_size: 4
  max_steps: {steps}
  learning_rate: 1.0e-3
  gradient_checkpointing: false
  bf16: false
  use_cpu: true
  logging_steps: 1
  save_steps: 3
  save_total_limit: 3
hardware: {{nodes: {nodes}}}
run: {{samples: 0, output_dir: {name}}}
"""
LAUNCH = (sys.executable, "-m", "lora_launch.cli")
SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin"


def environment(**variables: str) -> dict[str, str]:
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PATH": f"{os.environ['PATH']}:{SYSTEM}",
        **variables,
    }


def why_not(*programs: str) -> str:
    """Why a test cannot have these programs here, or nothing; in CI it then fails."""
    if "LORA_LINT_CI" in os.environ:
        return ""
    if os.geteuid() != 0:
        return "only root can start them: " + ", ".join(programs)
    path = f"{os.environ['PATH']}:{SYSTEM}"
    missing = [each for each in programs if shutil.which(each, path=path) is None]
    return f"not installed (.ci/run installs it): {', '.join(missing)}" if missing else ""


def tiny_model(folder: Path) -> None:
    make = [sys.executable, str(ROOT / "tools" / "make_tiny_model.py")]
    subprocess.run([*make, str(folder / "model"), "--steps", "0"], check=True, capture_output=True)


def write(folder: Path, name: str, *, steps: int, nodes: int = 1) -> Path:
    """A configuration of a run whose folder has its name."""
    path = folder / f"{name}.yaml"
    path.write_text(CONFIG.format(data=DATA, name=name, steps=steps, nodes=nodes))
    return path


def until(what: Callable[[], object], told: Callable[[], object], seconds: float = 300) -> None:
    """Wait for something; when it does not come, say what was told instead."""
    limit = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < limit, told()
        time.sleep(0.02)


@contextmanager
def slurm(folder: Path, nodes: int) -> Iterator[str]:
    """A Slurm of its own; the answer is its SLURM_CONF."""
    script = str(ROOT / "tools" / "slurm_up.sh")
    done = subprocess.run(
        [script, "up", str(folder), str(nodes)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run([script, "down", str(folder)], check=True)


class Cluster:
    """Commands on the cluster, from the folder of the runs."""

    def __init__(self, folder: Path, conf: str) -> None:
        self.folder, self.conf = folder, conf

    def call(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment(SLURM_CONF=self.conf),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        told = done.stdout + done.stderr
        assert done.returncode == code, told
        return told

    def launch(self, *arguments: str, code: int = 0) -> str:
        return self.call(*LAUNCH, *arguments, code=code)

    def job(self, name: str) -> str:
        found: str = json.loads((self.folder / name / "slurm.json").read_text())["jobs"][-1]["id"]
        return found

    def log(self, name: str) -> str:
        path = self.folder / name / f"slurm-{self.job(name)}.log"
        return path.read_text() if path.exists() else ""

    def reach(self, name: str, step: int) -> None:
        """Wait until a living job has logged a step."""
        seen = len(metrics(self.folder / name))

        def is_there() -> bool:
            found = metrics(self.folder / name)
            return len(found) != seen and bool(found) and found[-1]["step"] >= step

        until(is_there, lambda: self.log(name))

    def starts(self, name: str, number: int) -> None:
        """Wait until a job has started for the given time."""
        until(
            lambda: self.log(name).count("Plan for") == number, lambda: self.log(name), seconds=120
        )
