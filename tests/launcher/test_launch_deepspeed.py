"""DeepSpeed is asked for in two places, and is for GPUs: what is missing is said beforehand."""

from __future__ import annotations

import importlib.machinery
import os

import pytest

from launch_cases import CONFIG, folder
from lora_launch.cli import main
from lora_launch.errors import LaunchError
from lora_launch.plan import deepspeed
from lora_launch.plan.devices import Devices
from lora_launch.run.identity import identity

GPUS = Devices("cuda", 2)
ASKED = CONFIG.replace("run:\n", "hardware:\n  count: 2\n  strategy: deepspeed\nrun:\n")


@pytest.fixture
def installed(monkeypatch):
    spec = importlib.machinery.ModuleSpec("deepspeed", None)
    monkeypatch.setattr(deepspeed, "find_spec", lambda _name: spec)


def refused(training: dict, devices: Devices = GPUS, strategy: str = "deepspeed") -> str:
    with pytest.raises(LaunchError) as caught:
        deepspeed.settings(training, devices, strategy, ".")
    return str(caught.value)


def test_on_the_cpu_it_would_be_ddp(tmp_path, capsys):
    path = folder(tmp_path, ASKED)
    assert main(["--config", str(path), "--dry-run"]) == 2
    assert "on the CPU it would be DDP without a word" in capsys.readouterr().err


def test_its_file_without_the_strategy_would_count_for_nothing(tmp_path, capsys):
    path = folder(
        tmp_path, CONFIG.replace("  bf16: false\n", "  bf16: false\n  deepspeed: a.json\n")
    )
    assert main(["--config", str(path), "--dry-run"]) == 2
    assert "training.deepspeed counts with hardware.strategy: deepspeed" in capsys.readouterr().err


def test_it_must_be_installed(monkeypatch):
    monkeypatch.setattr(deepspeed, "find_spec", lambda _name: None)
    assert "`pip install deepspeed`" in refused({"deepspeed": "a.json"})


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("given", [None, {"zero_optimization": {"stage": 2}}])
def test_its_file_is_named(given):
    assert "name its file in training.deepspeed" in refused({"deepspeed": given})


@pytest.mark.usefixtures("installed")
def test_its_file_is_there():
    assert "there is no file zero9.json" in refused({"deepspeed": "zero9.json"})


@pytest.mark.usefixtures("installed")
def test_its_file_is_looked_for_beside_the_configuration_then_here(tmp_path, monkeypatch):
    beside, here = tmp_path / "beside", tmp_path / "here"
    for place in (beside, here):
        place.mkdir()
        (place / "zero2.json").write_text("{}")
    monkeypatch.chdir(here)
    asked = {"deepspeed": "zero2.json", "bf16": True}
    found = deepspeed.settings(asked, GPUS, "deepspeed", str(beside))
    assert found == {"deepspeed": str(beside / "zero2.json"), "bf16": True}
    os.remove(beside / "zero2.json")
    assert deepspeed.settings(asked, GPUS, "deepspeed", str(beside))["deepspeed"] == str(
        here / "zero2.json"
    )


def test_without_it_the_section_stays_as_it_is():
    assert deepspeed.settings({"bf16": True}, Devices("cpu", 2), "ddp", ".") == {"bf16": True}


def test_another_text_in_its_file_is_another_run(tmp_path):
    path = tmp_path / "zero2.json"
    config = {name: {} for name in ("model", "quantization", "lora", "data")}
    found = []
    for stage in (2, 3, 2):
        path.write_text(f'{{"zero_optimization": {{"stage": {stage}}}}}')
        found.append(identity({**config, "training": {"deepspeed": str(path)}}, {}, 0))
    assert found[0] == found[2] != found[1]
