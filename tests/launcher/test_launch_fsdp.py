"""FSDP2 between two processes on the CPU: real, equal to DDP, and its recovery."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import pytest
from test_launch_runs import CONFIG, DATA, finish, kill, learnt, losses, reach, start

from conftest import ROOT
from lora_launch.plan.devices import Devices
from lora_launch.run import launch

TWO = ("hardware.count=2", "training.per_device_train_batch_size=4", "training.max_steps=6")
FSDP = (*TWO, "hardware.strategy=fsdp")
NF4 = "{load_in_4bit: true, bnb_4bit_quant_type: nf4, bnb_4bit_compute_dtype: float32%s}"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a tiny model of random weights, and the configuration."""
    folder = tmp_path_factory.mktemp("fsdp")
    make = [sys.executable, str(ROOT / "tools" / "make_tiny_model.py")]
    subprocess.run([*make, str(folder / "model"), "--steps", "0"], check=True, capture_output=True)
    text = CONFIG.format(model=folder / "model", data=DATA)
    text = text.replace("eval_steps: 12", "eval_steps: 3\n  load_best_model_at_end: true")
    (folder / "tiny.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def divided(made):
    """An uninterrupted run under FSDP2, and what its processes' parameters are."""
    folder = made / "looks"
    folder.mkdir()
    finish(made, "fsdp", *FSDP, worker="launch_worker_looks", LOOKS=str(folder))
    return made / "fsdp", [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]


def weights_of(folder):
    from safetensors.torch import load_file

    return load_file(f"{folder}/adapter_model.safetensors")


def adapter(folder):
    return weights_of(folder / "adapter")


def distance(one, other) -> float:
    """The largest difference of two adapters' weights; their names have to be the same."""
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.slow
def test_every_parameter_is_divided_between_the_processes(divided):
    folder, looks = divided
    for look in looks:
        assert look["wrapper"].startswith("FSDP")
        assert len([name for name in look["modules"] if ".layers." in name]) == 4
        for each in look["parameters"].values():
            assert each["class"] == "DTensor"
            assert each["placements"] == ["S(0)"]
            assert each["device"] == "cpu"
            assert each["mine"] * 2 == each["all"]
    record = json.loads((folder / "run.json").read_text())
    assert record["plan"]["strategy"] == "fsdp"
    assert record["status"] == "done"
    assert record["outcome"]["held"] == 0.5
    assert "the CPU, 2 processes, fsdp" in (folder / "report.html").read_text()


@pytest.mark.slow
def test_it_learns_what_ddp_and_one_process_learn(divided, made):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder, _ = divided
    finish(made, "ddp", *TWO)
    worst = ("lora.lora_dropout=0", "training.greater_is_better=true")
    finish(made, "one", TWO[2], *worst)
    finish(made, "even", *FSDP, *worst)
    assert len(losses(folder)) == 6
    assert learnt(folder) == pytest.approx(learnt(made / "ddp"), rel=1e-5)
    assert learnt(made / "even") == pytest.approx(learnt(made / "one"), rel=1e-5)
    assert distance(adapter(folder), adapter(made / "ddp")) < 1e-5
    assert distance(adapter(made / "even"), adapter(made / "one")) < 1e-5
    best = json.loads((made / "even" / "run.json").read_text())["outcome"]["best"]
    assert best.endswith("checkpoint-3")
    assert distance(adapter(made / "even"), weights_of(best)) == 0
    base = AutoModelForCausalLM.from_pretrained(made / "model")
    loaded = PeftModel.from_pretrained(base, folder / "adapter")
    weights = dict(loaded.named_parameters())
    for name, value in adapter(folder).items():
        assert (weights[name.replace(".weight", ".default.weight")] == value).all()


@pytest.mark.slow
def test_killed_it_ends_as_if_nothing_had_happened(divided, made):
    folder, _ = divided
    process = start(made, "killed", *FSDP)
    kill(process, reach(process, made / "killed", 4))
    told = finish(made, "killed", *FSDP)
    assert "It goes on after step 3, from checkpoint-3." in told
    assert learnt(made / "killed") == learnt(folder)
    assert distance(adapter(made / "killed"), adapter(folder)) == 0


@pytest.mark.slow
def test_qlora_is_divided_if_its_storage_can_be(made):
    settings = ("training.max_steps=2", "training.eval_strategy=no", "data.max_eval_samples=2")
    settings += ("training.load_best_model_at_end=false",)
    folder = made / "nf4-looks"
    folder.mkdir()
    storage = NF4 % ", bnb_4bit_quant_storage: bfloat16"
    looking = {"worker": "launch_worker_looks", "LOOKS": str(folder)}
    finish(made, "nf4", *FSDP, *settings, f"quantization={storage}", **looking)
    finish(made, "nf4-ddp", *TWO, *settings, f"quantization={NF4 % ''}")
    parameters = json.loads((folder / "1.json").read_text())["parameters"]
    four_bit = [each for name, each in parameters.items() if "q_proj.base_layer" in name]
    assert [(each["all"], each["mine"]) for each in four_bit] == [(128 * 128 // 4, 2048)] * 4
    assert learnt(made / "nf4") == pytest.approx(learnt(made / "nf4-ddp"), rel=1e-5)
    assert distance(adapter(made / "nf4"), adapter(made / "nf4-ddp")) < 1e-5


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ((f"quantization={NF4 % ''}",), "bnb_4bit_quant_storage: bfloat16, the dtype of the model"),
        ((f"quantization={NF4 % ', bnb_4bit_quant_storage: int8'}",), "stored as int8"),
        (("quantization={load_in_8bit: true}",), "cannot divide bitsandbytes' 8-bit weights"),
        (("lora.modules_to_save=[lm_head]",), "a trained head would get wrong ones"),
        (("training.fsdp=full_shard",), "take training.fsdp out"),
    ],
)
def test_what_it_cannot_divide_or_would_train_wrongly(tmp_path, capsys, settings, told):
    from lora_launch.cli import main

    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tiny.yaml").write_text(CONFIG.format(model=model, data=DATA))
    line = ["--config", str(tmp_path / "tiny.yaml"), "--dry-run"]
    for setting in ("training.max_steps=6", *FSDP[:2], "hardware.strategy=fsdp", *settings):
        line += ["--set", setting]
    assert main(line) in (1, 2)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_the_command_saves_whole_adapters(kind, monkeypatch):
    monkeypatch.setenv("PARALLELISM_CONFIG_TP_SIZE", "2")
    assert "PARALLELISM_CONFIG_TP_SIZE" not in launch.environment(Devices(kind, 2))
    line = launch.command(Devices(kind, 2), "fsdp", {}, "a.module")
    told = dict(pairwise(line))
    assert told["--fsdp_version"] == "2"
    assert told["--fsdp_state_dict_type"] == "FULL_STATE_DICT"
    assert told["--fsdp_activation_checkpointing"] == "false"
    assert told.get("--parallelism_config_dp_shard_size") == ("2" if kind == "cpu" else None)


@pytest.fixture
def group():
    """One process that is a group of its own, so that tensors can be divided."""
    import torch.distributed as dist

    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())
    yield dist.device_mesh.init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


@pytest.mark.slow
def test_what_is_not_divided_is_not_trained(group, monkeypatch):
    from types import SimpleNamespace

    import torch
    from torch.distributed.tensor import distribute_tensor

    from lora_launch.errors import LaunchError
    from lora_launch.worker import sharded

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 2)

        def get_output_embeddings(self):
            return self.head

    settings = SimpleNamespace(device=torch.device("cpu"))
    model, shards = Model(), sharded.Shards()
    with pytest.raises(LaunchError, match="did not divide the model on this CPU: every device"):
        shards.on_train_begin(settings, None, None, model=model)
    for module in (model.body, model.head):
        for name, value in list(module.named_parameters()):
            setattr(module, name, torch.nn.Parameter(distribute_tensor(value.data, group)))
    with pytest.raises(LaunchError, match="a trained head would get wrong ones"):
        shards.on_train_begin(settings, None, None, model=model)
    model.head.requires_grad_(False)
    shards.on_train_begin(settings, None, None, model=model)
    assert shards.held == 1.0

    trainer = SimpleNamespace(is_fsdp_enabled=False, args=settings)
    sharded.see_that_it_is_on(trainer)
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(LaunchError, match=r"Write hardware\.strategy: ddp"):
        sharded.see_that_it_is_on(trainer)
