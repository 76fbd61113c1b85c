"""Real launches of a tiny model on the CPU: to the end, killed, stopped, out of memory, in two.

Each launch is some ten seconds of imports, so one test makes several points.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT
from launch_cases import learnt, metrics

pytestmark = pytest.mark.slow

DATA = ROOT / "examples" / "launch" / "data"
CONFIG = """\
model: {{pretrained_model_name_or_path: {model}}}
lora: {{r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: all-linear}}
data: {{train: {data}/train.jsonl, eval: {data}/eval.jsonl, max_samples: 96, max_eval_samples: 8}}
training:
  max_length: 64
  per_device_train_batch_size: 8
  num_train_epochs: 2
  learning_rate: 1.0e-3
  gradient_checkpointing: false
  bf16: false
  use_cpu: true
  logging_steps: 1
  save_steps: 3
  save_total_limit: 3
  eval_strategy: steps
  eval_steps: 12
"""
STEPS = 24
NO_DROPOUT = ("lora.lora_dropout=0", "training.max_steps=6", "training.eval_strategy=no")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a tiny model of random weights, and the configuration."""
    folder = tmp_path_factory.mktemp("launch")
    make = [sys.executable, str(ROOT / "tools" / "make_tiny_model.py")]
    subprocess.run([*make, str(folder / "model"), "--steps", "0"], check=True, capture_output=True)
    (folder / "tiny.yaml").write_text(CONFIG.format(model=folder / "model", data=DATA))
    return folder


def start(
    made: Path, name: str, *settings: str, worker: str = "", allow: str = "", **variables: str
):
    """A launch in a process of its own."""
    arguments = ["--config", str(made / "tiny.yaml"), *(["--allow", allow] if allow else [])]
    for setting in (f"run.output_dir={made / name}", "run.samples=0", *settings):
        arguments += ["--set", setting]
    code = (
        "import sys; from lora_launch import cli; from lora_launch.run import launch\n"
        f"launch.WORKER = {worker!r} or launch.WORKER\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    environment = {
        **os.environ,
        **variables,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )


def finish(made: Path, name: str, *settings: str, code: int = 0, **options: str) -> str:
    process = start(made, name, *settings, **options)
    told, _ = process.communicate(timeout=600)
    log = made / name / "log.txt"
    assert process.returncode == code, told + (log.read_text()[-3000:] if log.exists() else "")
    return told


def losses(folder: Path) -> list[float]:
    return [entry["loss"] for entry in metrics(folder) if "loss" in entry]


@pytest.fixture(scope="module")
def whole(made):
    """An uninterrupted run."""
    told = finish(made, "whole", "run.samples=1")
    return made / "whole", told


def test_a_run_leaves_its_adapter_and_its_record(whole, made):
    folder, told = whole
    assert f"Done after {STEPS} steps, evaluation loss" in told
    assert f"step {STEPS}/{STEPS}  loss" in told
    assert "\r" not in told
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "done"
    assert record["plan"]["steps"] == STEPS
    assert record["outcome"]["final"]["final_loss"] < losses(folder)[0]
    numbers = learnt(folder)
    assert [step for step, name in numbers if name == "loss"] == list(range(1, STEPS + 1))
    trained = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert trained["r"] == 8
    assert "lora-launch" in (folder / "adapter" / "README.md").read_text()
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    assert {"before", "after", "expected"} <= samples[0].keys()
    page = (folder / "report.html").read_text()
    assert page.count("<svg") == 4
    assert "http" not in page
    assert sorted(path.name for path in (folder / "checkpoints").glob("checkpoint-*")) == [
        "checkpoint-18",
        "checkpoint-21",
        "checkpoint-24",
    ]
    assert "is finished" in finish(made, "whole", "run.samples=1")


def test_the_adapter_is_better_than_its_base(whole):
    folder, _ = whole
    done = subprocess.run(
        [
            *(sys.executable, "-m", "lora_launch.cli", "eval", "--adapter", str(folder)),
            *("--data", str(DATA / "eval.jsonl"), "--dtype", "float32", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found = json.loads(done.stdout)
    assert found["rows"] == 40
    assert found["adapter"]["loss"] < found["base"]["loss"]


def reach(process: subprocess.Popen, folder: Path, step: int) -> list[int]:
    """Wait until a step was logged by a living worker; the answer is the workers' ids."""
    before, until = len(metrics(folder)), time.monotonic() + 300
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[0]
        found = metrics(folder)
        lock = folder / "workers.lock"
        workers = [int(line) for line in lock.read_text().split()] if lock.exists() else []
        if workers and len(found) != before and found and found[-1]["step"] >= step:
            return workers
        time.sleep(0.01)
    raise AssertionError(f"step {step} was not reached")


def reach_nothing(folder: Path) -> list[dict]:
    """What a run has logged a moment after its end: a worker left behind would go on."""
    time.sleep(1)
    return metrics(folder)


def kill(process: subprocess.Popen, workers: list[int]) -> None:
    for pid in (process.pid, *workers):
        os.kill(pid, signal.SIGKILL)
    process.communicate()


def test_killed_stopped_and_torn_it_ends_as_if_nothing_had_happened(whole, made):
    reference, _ = whole
    folder = made / "killed"
    dice = random.Random(os.environ.get("LAUNCH_TEST_SEED", "1"))  # noqa: S311 (when to kill)
    process = start(made, "killed")
    while not (folder / "job.json").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 143, told
    assert re.search("Interrupted (while loading|outside of the training)[.] The same", told)
    assert not reach_nothing(folder)

    process = start(made, "killed")
    kill(process, reach(process, folder, dice.randint(4, 6)))

    process = start(made, "killed")
    reach(process, folder, dice.randint(8, 10))
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 143, told
    assert "and saved. The same command goes on." in told
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"

    newest = max((folder / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name[11:]))
    torn = newest / "optimizer.pt"
    torn.write_bytes(torn.read_bytes()[:-100])
    process = start(made, "killed")
    kill(process, reach(process, folder, dice.randint(14, 20)))

    told = finish(made, "killed")
    assert "It goes on after step" in told
    assert learnt(folder) == learnt(reference)


def test_two_processes_and_a_smaller_device_learn_what_one_learns(made):
    finish(made, "one", *NO_DROPOUT)
    finish(made, "two", *NO_DROPOUT, "hardware.count=2", "training.per_device_train_batch_size=4")
    told = finish(
        made,
        "small",
        *NO_DROPOUT,
        worker="launch_worker_out_of_memory",
        LAUNCH_TEST_ROOM="4",
        LAUNCH_TEST_STEP="5",
    )
    assert "a micro batch of 4 and 2 accumulation steps: the same global batch" in told
    record = json.loads((made / "small" / "run.json").read_text())
    assert [each["outcome"] for each in record["attempts"]] == ["oom", "done"]
    assert [each["from_step"] for each in record["attempts"]] == [0, 3]
    one = losses(made / "one")
    assert len(one) == 6
    assert losses(made / "two") == pytest.approx(one, rel=1e-5)
    assert losses(made / "small") == pytest.approx(one, rel=1e-5)


def test_qlora_trains_on_the_cpu(made):
    nf4 = "{load_in_4bit: true, bnb_4bit_quant_type: nf4, bnb_4bit_compute_dtype: float32}"
    settings = (f"quantization={nf4}", "training.max_steps=2", "training.eval_strategy=no")
    told = finish(made, "quantized", *settings, "data.max_eval_samples=2")
    assert "QLoRA r=8" in told
    assert "Done after 2 steps" in told


def test_a_loss_that_is_no_number_stops_it_and_names_the_batch(made):
    settings = ("training.learning_rate=1e30", "training.max_steps=9")
    told = finish(made, "wild", *settings, code=2, allow="LL802")
    record = json.loads((made / "wild" / "run.json").read_text())
    assert record["status"] == "failed"
    assert [each["code"] for each in record["gate"]["allowed"]] == ["LL802"]
    assert "The loss of step" in told
    assert "training.learning_rate is 1e+30" in told
    assert "The batch: '" in told
    assert "log.txt" in told
