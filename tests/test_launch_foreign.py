"""Other frameworks' configurations: gated, planned, and handed over whole."""

from __future__ import annotations

import sys

import pytest

from conftest import ROOT
from launch_cases import fake_nvidia_smi
from lora_launch import foreign
from lora_launch.cli import main

H200 = "NVIDIA H200, 143771 MiB"


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    lines = [f"{number}, GPU-{number}, {H200}" for number in range(2)]
    fake_nvidia_smi(tmp_path, monkeypatch, lines)


def launch(name: str, *arguments: str) -> int:
    return main(["--config", str(ROOT / "examples" / name), *arguments])


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("sound/axolotl.yaml", "--module axolotl.cli.train"),
        ("sound/llamafactory.yaml", "llamafactory-cli train"),
        ("sound/trl.yaml", "--module trl.scripts.sft --config"),
        ("sound/torchtune.yaml", "run --nproc_per_node 2 lora_finetune_distributed --config"),
        ("sound/train.py", "accelerate.commands.launch"),
    ],
)
def test_it_is_planned_and_handed_over(name, command, capsys):
    assert launch(name, "--dry-run") == 0
    told = capsys.readouterr().out
    assert "Plan for" in told
    assert command in told
    assert told.rstrip().endswith(name)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("name", ["broken/axolotl.yaml", "broken/train.py"])
def test_errors_refuse(name, capsys):
    assert launch(name, "--dry-run") == 1
    assert "Not started" in capsys.readouterr().out


@pytest.mark.usefixtures("gpus")
def test_a_run_without_its_adapter_is_planned_as_such(capsys):
    assert launch("broken/trl.yaml", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "LL010" in told
    assert "LoRA is off: every parameter is trained" in told


@pytest.mark.usefixtures("gpus")
def test_what_is_not_installed_is_told(capsys):
    assert launch("sound/axolotl.yaml") == 2
    assert "`pip install axolotl`" in capsys.readouterr().err


@pytest.mark.usefixtures("gpus")
def test_a_framework_that_we_cannot_start_is_told(capsys):
    assert launch("sound/litgpt.yaml") == 2
    assert "start it yourself" in capsys.readouterr().err


def test_set_is_for_our_own_format(capsys):
    assert launch("sound/trl.yaml", "--dry-run", "--set", "lora_r=8") == 2
    assert "edit the file" in capsys.readouterr().err


@pytest.mark.usefixtures("gpus")
def test_its_exit_code_and_its_arguments_are_its_own(tmp_path, monkeypatch):
    def script(document, _recipe, _devices):
        return [sys.executable, document.path]

    path = tmp_path / "train.py"
    sound = (ROOT / "examples" / "sound" / "train.py").read_text()
    stop = 'import sys\nsys.exit(7 if sys.argv[1:] == ["--fast", "1"] else 8)\n'
    path.write_text(stop + sound)
    monkeypatch.setitem(
        foreign.FRAMEWORKS,
        "python",
        foreign.Framework("the script", "json", "nothing", script),
    )
    assert main(["--config", str(path), "--", "--fast", "1"]) == 7
    assert main(["--config", str(path)]) == 8
