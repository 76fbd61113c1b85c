"""One process is prepared by accelerate as its own command prepares it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lora_launch.plan.devices import Devices
from lora_launch.run import launch

PROBE = """\
import json, os, sys
kept = {key: value for key, value in os.environ.items()
        if key.startswith(("ACCELERATE", "OMP", "KMP", "CUDA", "MASTER", "FSDP", "TOKENIZERS"))}
print(json.dumps([__name__, sys.argv[1:], kept]))
sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_the_worker_finds_what_accelerate_launch_gives_it(kind, tmp_path):
    (tmp_path / "probe.py").write_text(PROBE)
    devices = Devices(kind, 1)
    line = [*launch.command(devices, "none", {}, "probe"), "folder"]
    assert line[2] == "lora_launch.run.alone"
    environment = launch.environment(devices)
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    theirs = [*line[:2], "accelerate.commands.launch", *line[3:]]
    said = {}
    for name, command in (("ours", line), ("theirs", theirs)):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == (3 if name == "ours" else 1), done.stderr
        said[name] = json.loads(done.stdout)
    assert said["ours"] == said["theirs"]
    assert said["ours"][:2] == ["__main__", ["folder"]]


def test_several_processes_are_accelerate_s_own_command():
    for devices, strategy in ((Devices("cuda", 2), "ddp"), (Devices("cuda", 1), "deepspeed")):
        line = launch.command(devices, strategy, {"deepspeed": "zero2.json"}, "probe")
        assert line[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
