"""The job's script, run by bash with a launch of our own; and what sbatch is told."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from launch_cases import folder
from lora_launch import cli
from lora_launch.cluster.arguments import Wanted
from lora_launch.cluster.script import Script, pattern
from lora_launch.errors import LaunchError

LAUNCH = """\
trap 'touch checkpoints/checkpoint-7; exit 143' TERM
touch began
while :; do sleep 0.01; done
"""


def program(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}")
    path.chmod(0o755)
    return str(path)


def script(tmp_path: Path, launch: str, **fields: object) -> Path:
    """A script whose launch is a shell script of ours."""
    (tmp_path / "checkpoints").mkdir()
    config = tmp_path / "x.yaml"
    config.write_text("lora: {}\n")
    program(tmp_path / "bin" / "scontrol", f'echo "$@" >> {tmp_path}/scontrol.txt\n')
    known = {
        "config": str(config),
        "digest": hashlib.sha256(config.read_bytes()).hexdigest(),
        "run": str(tmp_path),
        "command": (program(tmp_path / "launch", launch),),
        "options": {"job-name": "two words", "requeue": None, "nodes": "1"},
    }
    path = tmp_path / "slurm.sh"
    path.write_text(Script(**{**known, **fields}).write())  # type: ignore[arg-type]
    return path


def start(path: Path, **variables: str) -> subprocess.Popen:
    environment = {**os.environ, "PATH": f"{path.parent}/bin:/usr/bin:/bin", "SLURM_JOB_ID": "5"}
    return subprocess.Popen(
        ["bash", str(path)],
        cwd=path.parent,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def begun(path: Path) -> None:
    until = time.monotonic() + 30
    while not (path.parent / "began").exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_the_head_is_sbatchs(tmp_path):
    lines = script(tmp_path, "").read_text().splitlines()
    assert lines[:4] == [
        "#!/bin/bash",
        '#SBATCH --job-name="two words"',
        "#SBATCH --requeue",
        "#SBATCH --nodes=1",
    ]
    assert pattern("/a%b\\c") == "/a%%b\\\\c"


def test_the_launchs_exit_code_is_the_jobs(tmp_path):
    process = start(script(tmp_path, "exit 7\n"))
    process.communicate(timeout=30)
    assert process.returncode == 7


def test_when_the_time_is_up_it_saves_and_goes_back_to_the_queue(tmp_path):
    path = script(tmp_path, LAUNCH)
    process = start(path)
    begun(path)
    process.send_signal(signal.SIGUSR1)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "goes back to the queue" in told
    assert (tmp_path / "scontrol.txt").read_text() == "requeue 5\n"


def test_a_time_limit_without_progress_is_no_endless_loop(tmp_path):
    path = script(tmp_path, LAUNCH.replace("touch checkpoints/checkpoint-7; ", ""))
    process = start(path)
    begun(path)
    process.send_signal(signal.SIGUSR1)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "set a longer --time" in told
    assert not (tmp_path / "scontrol.txt").exists()


def test_a_job_that_is_cancelled_saves_and_stays_cancelled(tmp_path):
    path = script(tmp_path, LAUNCH)
    process = start(path)
    begun(path)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert (tmp_path / "checkpoints" / "checkpoint-7").exists()
    assert not (tmp_path / "scontrol.txt").exists()


def test_restart_counts_for_the_first_start_only(tmp_path):
    path = script(tmp_path, 'echo "told: $@"\n', restart=True)
    assert "told: --restart\n" in start(path).communicate(timeout=30)[0]
    assert "told: \n" in start(path, SLURM_RESTART_COUNT="1").communicate(timeout=30)[0]


def test_another_configuration_than_the_submitted_one_does_not_run(tmp_path):
    path = script(tmp_path, "exit 0\n", digest="0" * 64)
    process = start(path)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "has changed since this job was submitted; submit it again." in told


def test_several_nodes_are_led_by_the_first(tmp_path):
    srun = 'while [ "$1" != bash ]; do shift; done; SLURM_NODEID=0 "$@"\n'
    path = script(tmp_path, 'echo "told: $@"\n', nodes=3)
    program(tmp_path / "bin" / "srun", srun)
    told, _ = start(path).communicate(timeout=30)
    assert "told: --machine-rank 1\n" in told
    assert "told: --machine-rank 0 --main-address " in told
    assert "srun --nodes=2 --ntasks=2" in path.read_text()


def test_what_the_command_line_asks_of_sbatch():
    wanted = Wanted("gpu", "1-12", None, ("mem=64G", "--exclusive", "c=8"))
    assert wanted.options == {
        "partition": "gpu",
        "time": "1-12",
        "mem": "64G",
        "exclusive": None,
        "cpus-per-task": "8",
    }


@pytest.mark.parametrize("pair", ["", "=4", "a b=c", 'comment="x"', "mem=1\n#SBATCH --array=1-9"])
def test_what_is_no_option(pair):
    with pytest.raises(LaunchError, match="KEY=VALUE"):
        _ = Wanted(sbatch=(pair,)).options


@pytest.mark.parametrize("pair", ["output=x", "--array=1-4", "nodes=2"])
def test_what_the_launcher_sets_itself(pair):
    with pytest.raises(LaunchError, match="is set by lora-launch"):
        _ = Wanted(sbatch=(pair,)).options


def test_the_dry_run_shows_the_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = folder(tmp_path)
    arguments = ["--config", str(path), "--slurm", "--dry-run", "--time", "30", "--set", "lora.r=4"]
    assert cli.main([*arguments, "--set", "lora.lora_alpha=8"]) == 0
    told = capsys.readouterr().out
    assert f"#SBATCH --output={tmp_path}/out/slurm-%j.log\n" in told
    assert "#SBATCH --signal=B:USR1@120\n" in told
    assert "#SBATCH --cpus-per-task=1\n" in told
    assert "--set lora.r=4 --set lora.lora_alpha=8)\n" in told
    assert not (tmp_path / "out").exists()


def test_a_gpu_is_asked_for_unless_the_user_asks_in_another_way(tmp_path, monkeypatch, capsys):
    path = folder(tmp_path)
    path.write_text(path.read_text().replace("  use_cpu: true\n  bf16: false\n", ""))
    line = ["--config", str(path), "--slurm", "--dry-run", "--set", "hardware.count=4"]
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert cli.main([*line, "--set", "hardware.gpu=A100 80GB"]) == 0
    assert "#SBATCH --gpus-per-node=4\n" in capsys.readouterr().out
    assert cli.main([*line, "--set", "hardware.gpu=A100 80GB", "--sbatch", "gres=gpu:a100:4"]) == 0
    told = capsys.readouterr().out
    assert "#SBATCH --gres=gpu:a100:4\n" in told
    assert "gpus-per-node" not in told


def test_the_gate_refuses_before_slurm_is_asked(tmp_path, monkeypatch, capsys):
    path = folder(tmp_path)
    path.write_text(path.read_text().replace("lora_alpha: 16", "lora_alpha: 0"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["--config", str(path), "--slurm"]) == 1
    assert "Not started" in capsys.readouterr().out


def test_without_slurm_it_says_where_it_works(tmp_path, monkeypatch, capsys):
    path = folder(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["--config", str(path), "--slurm"]) == 2
    told = capsys.readouterr().err
    assert "There is no sbatch on this machine: --slurm works where Slurm's commands are" in told
    assert "Traceback" not in told


def test_options_that_go_with_slurm(tmp_path, capsys):
    assert cli.main(["--config", str(folder(tmp_path)), "--partition", "gpu"]) == 2
    assert "--partition goes with --slurm." in capsys.readouterr().err


def test_a_foreign_configuration_is_not_submitted(tmp_path, capsys):
    path = tmp_path / "axolotl.yml"
    path.write_text("base_model: x\nadapter: lora\nlora_r: 8\nlora_alpha: 16\ndatasets: []\n")
    assert cli.main(["--config", str(path), "--slurm"]) == 2
    assert "--slurm submits only our own" in capsys.readouterr().err
