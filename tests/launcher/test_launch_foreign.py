"""Other frameworks' configurations: gated, planned, and handed over whole."""

from __future__ import annotations

import sys

import pytest

from conftest import ROOT
from launch_cases import fake_nvidia_smi
from lora_launch.cli import main
from lora_launch.config import document as documents
from lora_launch.gate import foreign, frameworks, gate
from lora_launch.plan.devices import Devices
from lora_rules.engine.launch import LaunchBehaviour

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
        ("sound/ms-swift.yaml", "-m swift.cli.main sft"),
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


class Installed(LaunchBehaviour):
    package = "json"
    install = "nothing"


@pytest.mark.usefixtures("gpus")
def test_its_exit_code_and_its_arguments_are_its_own(tmp_path, monkeypatch):
    def script(document, _recipe, _devices):
        return [sys.executable, document.path]

    path = tmp_path / "train.py"
    sound = (ROOT / "examples" / "sound" / "train.py").read_text()
    stop = 'import sys\nsys.exit(7 if sys.argv[1:] == ["--fast", "1"] else 8)\n'
    path.write_text(stop + sound)
    mine = frameworks.Framework("the script", Installed(), script)
    monkeypatch.setattr(foreign, "framework_of", {"python": mine}.get)
    assert main(["--config", str(path), "--", "--fast", "1"]) == 7
    assert main(["--config", str(path)]) == 8


def started(kind: str) -> frameworks.Framework:
    found = frameworks.framework_of(kind)
    assert found is not None
    return found


def command(kind: str, path, devices: Devices) -> list[str]:
    """The words of a framework's command, without where the programs are."""
    document = documents.load(str(path))
    assert documents.framework(document) == kind
    line = started(kind).command(document, gate.recipe_of(document, {}), devices)
    return [line[0].rpartition("/")[2], *line[1:-1]]


TUNE = (ROOT / "examples" / "sound" / "torchtune.yaml").read_text()
TASKS = {
    "lora_finetune": "",
    "lora_dpo": "loss:\n  _component_: torchtune.rlhf.loss.DPOLoss\n",
    "knowledge_distillation": "teacher_model:\n  _component_: torchtune.models.qwen2.qwen2_1_5b\n",
}


@pytest.mark.parametrize("task", TASKS)
def test_torchtunes_recipe_is_the_one_that_the_file_is_for(task, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(TUNE + TASKS[task])
    assert command("torchtune", path, Devices("cuda", 1)) == [
        *("tune", "run", f"{task}_single_device", "--config")
    ]
    assert command("torchtune", path, Devices("cuda", 2)) == [
        *("tune", "run", "--nproc_per_node", "2", f"{task}_distributed", "--config")
    ]


def test_torchtunes_quantization_aware_recipe_is_distributed_on_one_gpu_too(tmp_path):
    path = tmp_path / "run.yaml"
    quantizer = "torchtune.training.quantization.Int8DynActInt4WeightQATQuantizer"
    path.write_text(f"{TUNE}quantizer:\n  _component_: {quantizer}\n")
    assert command("torchtune", path, Devices("cuda", 1)) == [
        *("tune", "run", "--nproc_per_node", "1", "qat_lora_finetune_distributed", "--config")
    ]


def test_ms_swift_has_a_command_for_preferences(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("model: a/b\nrlhf_type: dpo\ndataset: [c/d]\ntuner_type: lora\n")
    assert command("ms-swift", path, Devices("cuda", 1))[1:] == ["-m", "swift.cli.main", "rlhf"]


@pytest.mark.parametrize(
    ("kind", "one", "two"),
    [
        ("ms-swift", {}, {"NPROC_PER_NODE": "2"}),
        (
            "llamafactory",
            {"FORCE_TORCHRUN": "0", "NPROC_PER_NODE": "1"},
            {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": "2"},
        ),
    ],
)
def test_torchrun_is_asked_for_by_their_variables(kind, one, two):
    variables = started(kind).variables
    assert variables(Devices("cuda", 1)) == one
    assert variables(Devices("cuda", 2)) == two


@pytest.fixture
def torchtune(tmp_path, monkeypatch):
    """A ``tune`` that says what it was given and fails, and a package that loads."""
    package = tmp_path / "site" / "torchtune"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "training.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    program = tmp_path / "bin" / "tune"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\necho "tune was given: $*, on GPUs: $CUDA_VISIBLE_DEVICES."\nexit 3\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return package


def test_the_cpu_is_asked_for_in_the_frameworks_own_way(tmp_path, torchtune, capfd):
    path = tmp_path / "run.yaml"
    path.write_text(TUNE)
    assert main(["--config", str(path)]) == 2
    assert "a run on the CPU has device: cpu in its file" in capfd.readouterr().err
    path.write_text(f"{TUNE}device: cpu\n")
    assert main(["--config", str(path)]) == 3
    told = capfd.readouterr()
    recipe = "run lora_finetune_single_device --config"
    assert f"tune was given: {recipe} {path}, on GPUs: ." in told.out
    assert "torchtune ended with exit code 3; its own words are above." in told.err


def test_an_installation_that_does_not_load_is_told_as_such(tmp_path, torchtune, capfd):
    path = tmp_path / "run.yaml"
    path.write_text(f"{TUNE}device: cpu\n")
    (torchtune / "training.py").write_text("import torchao_that_is_not_there\n")
    assert main(["--config", str(path)]) == 3
    told = capfd.readouterr().err
    assert "torchtune cannot be loaded here: ModuleNotFoundError" in told
    assert "`pip install torchao==0.15.0`" in told
    assert "Traceback" not in told
