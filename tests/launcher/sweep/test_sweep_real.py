"""A sweep of real trials: a tiny model on the CPU, a few steps each."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow

DATA = ROOT / "examples" / "launch" / "data"
CONFIG = f"""\
model: model
lora: {{r: 8, lora_alpha: 16, target_modules: all-linear, task_type: CAUSAL_LM}}
data: {{train: {DATA}/train.jsonl, eval: {DATA}/eval.jsonl, max_samples: 32, max_eval_samples: 8}}
training:
  max_length: 64
  per_device_train_batch_size: 4
  max_steps: 4
  learning_rate: 1.0e-3
  gradient_checkpointing: false
  bf16: false
  use_cpu: true
  logging_steps: 1
  save_strategy: "no"
"""


def command(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "lora_launch.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        line, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_trials_are_ordinary_runs_and_a_diverging_one_is_told(tmp_path):
    make = [sys.executable, str(ROOT / "tools" / "make_tiny_model.py"), str(tmp_path / "model")]
    subprocess.run([*make, "--steps", "0"], check=True, capture_output=True)
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    sweep = ["sweep", "--config", "tiny.yaml", "--axis", "training.learning_rate=1e-3,4e-3,1e30"]
    sweep += ["--allow", "LL802", "--jobs", "2"]
    done = command(tmp_path, *sweep)
    assert done.returncode == 0, done.stdout + done.stderr
    made = tmp_path / "runs" / "tiny-sweep"
    found = json.loads((made / "sweep.json").read_text())
    trials = {each["number"]: each for each in found["candidates"]}
    assert [trials[number]["status"] for number in (1, 2, 3)] == ["done", "done", "diverged"]
    assert "The loss of step" in trials[3]["reason"]
    for number in (1, 2):
        record = json.loads((made / f"trial-00{number}" / "run.json").read_text())
        assert record["status"] == "done"
        assert record["outcome"]["final"]["final_loss"] == trials[number]["eval_loss"]
        assert (made / f"trial-00{number}" / "adapter" / "adapter_config.json").is_file()
    losses = [trials[1]["eval_loss"], trials[2]["eval_loss"]]
    assert trials[found["best"]]["eval_loss"] == min(losses)
    again = command(tmp_path, *sweep)
    assert "3 trials are known already" in again.stdout
    assert "started" not in again.stdout
    best = command(tmp_path, "--config", str(made / "best.yaml"), "--dry-run", "--allow", "LL802")
    assert best.returncode == 0, best.stdout + best.stderr
