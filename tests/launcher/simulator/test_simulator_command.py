"""``lora-launch simulate``: from a recipe to a run, to numbers; or to a sentence."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from lora_launch.plan.simulate import CannotSimulate, add_arguments, run, translations
from lora_launch.simulator import SimulatedRun

TINY = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 176,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
}
SFT = """\
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig
from trl import SFTConfig, SFTTrainer

model = AutoModelForCausalLM.from_pretrained("{model}", dtype="bfloat16"{more})
lora = LoraConfig(r=8, lora_alpha=16, target_modules={targets}, task_type="CAUSAL_LM")
args = SFTConfig(output_dir="out", max_length=128, per_device_train_batch_size=2, {args})
SFTTrainer(model=model, args=args, train_dataset=data, peft_config=lora).train()
"""
AXOLOTL = """\
base_model: {model}
adapter: qlora
load_in_4bit: true
lora_r: 8
lora_alpha: 16
lora_target_modules: [q_proj, v_proj]
datasets: [{{path: data.jsonl, type: alpaca}}]
sequence_len: 128
micro_batch_size: 2
gradient_checkpointing: true
bf16: true
learning_rate: 0.0002
optimizer: adamw_torch
{more}
"""


def options(file: Path | str, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(file), *more])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TINY))
    return folder


def sft(model: Path, *, more: str = "", args: str = "", targets: str = '"all-linear"') -> Path:
    file = model.parent / "sft.py"
    file.write_text(SFT.format(model=model, more=more, args=args, targets=targets))
    return file


def axolotl(model: Path, more: str = "") -> Path:
    file = model.parent / "run.yaml"
    file.write_text(AXOLOTL.format(model=model, more=more))
    return file


def one(file: Path, *more: str) -> SimulatedRun:
    (found,) = translations(options(file, *more))
    return found.run


def test_trl_computes_its_own_loss_without_logits(model: Path) -> None:
    found = one(sft(model))
    assert (found.loss, found.dtype, found.autocast) == ("trl_fused", "bfloat16", "bfloat16")
    assert (found.batch, found.length, found.padding, found.packing) == (2, 128, True, False)
    assert found.checkpointing == "non-reentrant"
    assert found.lora["target_modules"] == "all-linear"
    assert found.adapter_dtype is None


def test_packing_makes_one_row_of_the_batch(model: Path) -> None:
    found = one(sft(model, args="packing=True"))
    assert (found.batch, found.length, found.padding, found.packing) == (1, 256, False, True)
    rows = one(sft(model, args='packing=True, packing_strategy="wrapped"'))
    assert (rows.batch, rows.length, rows.padding, rows.packing) == (2, 128, False, False)


def test_a_quantized_base_is_as_bitsandbytes_was_told(model: Path) -> None:
    quantized = (
        ", quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='fp4',"
        " bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype='float16')"
    )
    found = one(sft(model, more=quantized))
    assert (found.quantization, found.double_quantization) == ("fp4", True)
    assert found.compute_dtype == "float16"
    assert found.adapter_dtype == "bfloat16"
    eight = ", quantization_config=BitsAndBytesConfig(load_in_8bit=True)"
    assert one(sft(model, more=eight)).quantization == "int8"


def test_axolotl_runs_transformers_trainer(model: Path) -> None:
    found = one(axolotl(model, "attn_implementation: flash_attention_2"))
    assert (found.loss, found.prepare_kbit, found.quantization) == ("trainer", False, "nf4")
    assert (found.optimizer, found.attention) == ("adamw_torch", "flash_attention_2")
    assert found.padding is False


def test_a_script_shows_that_it_prepares_for_kbit_training(model: Path) -> None:
    more = ", quantization_config=BitsAndBytesConfig(load_in_4bit=True)"
    file = sft(model, more=more)
    assert one(file).prepare_kbit is False
    shown = "model = prepare_model_for_kbit_training(model)\nlora ="
    text = "from peft import prepare_model_for_kbit_training\n" + file.read_text()
    file.write_text(text.replace("lora =", shown))
    assert one(file).prepare_kbit is True


def test_a_card_gives_its_bytes_and_its_capability(model: Path) -> None:
    found = one(sft(model), "--gpu", "T4")
    assert found.gpu_capability == (7, 5)
    assert found.gpu_total_bytes == 14912 * 2**20
    assert one(sft(model)).gpu_total_bytes is None


def test_several_gpus_share_a_run(model: Path) -> None:
    found = one(sft(model), "--world-size", "4")
    assert (found.world_size, found.strategy) == (4, "ddp")
    shared = one(sft(model, args='fsdp="full_shard auto_wrap"'), "--world-size", "2")
    assert (shared.world_size, shared.strategy) == (2, "fsdp")


def test_every_candidate_makes_a_run(model: Path) -> None:
    file = sft(model)
    file.write_text(file.read_text().replace("r=8", "r=8 if flag else 16"))
    ranks = [found.run.lora["r"] for found in translations(options(file))]
    assert ranks == [8, 16]


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ({"args": "max_steps=3, torch_compile=True"}, (), "compiled"),
        ({"args": 'deepspeed="zero3.json"'}, ("--world-size", "2"), "ZeRO|zero3"),
        ({"args": 'fsdp="full_shard"'}, (), "how many"),
        ({"targets": '["c_attn"]'}, (), "fits no module of llama"),
        ({"args": 'optim="my_optimizer"'}, (), "optimizer 'my_optimizer' is not simulated"),
        ({}, ("--world-size", "0"), "--world-size must be at least 1"),
        ({}, ("--gpu", "RTX 4091"), "did you mean"),
        ({"more": ", attn_implementation=kernel"}, (), "unknown"),
    ],
)
def test_what_cannot_be_known_is_a_sentence_and_exit_2(
    changes: dict[str, Any],
    more: tuple[str, ...],
    said: str,
    model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = sft(model, **changes)
    with pytest.raises(CannotSimulate, match=said):
        list(translations(options(file, *more)))
    assert run(options(file, *more)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"lora-launch: {file}: ")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("x = 1\n", "finds no LoRA recipe"),
        ("from peft import LoraConfig\nLoraConfig(r=8\n", ""),
    ],
)
def test_a_file_that_holds_no_recipe(
    text: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.py"
    if text is not None:
        file.write_text(text)
    assert run(options(file)) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_model_is_refused_without_torch(tmp_path: Path) -> None:
    """In a process of its own: other tests have imported torch into this one."""
    file = sft(tmp_path / "nowhere")
    code = (
        "import argparse, sys\n"
        "from lora_launch.plan.simulate import add_arguments, run\n"
        "parser = argparse.ArgumentParser()\n"
        "add_arguments(parser)\n"
        "print(run(parser.parse_args(sys.argv[1:])), 'torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"
    assert "not in the table of models" in done.stderr


@pytest.mark.slow
def test_text_json_and_picture_tell_the_same(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "run.svg"
    file = axolotl(model)
    assert run(options(file, "--gpu", "24GB", "--format", "json", "--svg", str(picture))) == 0
    (told,) = json.loads(capsys.readouterr().out)["simulations"]
    assert told["verdict"] == "fits"
    assert told["run"]["loss"] == "trainer"
    assert 0.5 < told["closed_form"]["allocated_bytes"] / told["allocated_bytes"] < 2
    assert ET.parse(picture).getroot().tag.endswith("svg")  # noqa: S314 - our own
    assert run(options(file, "--gpu", "24GB")) == 0
    text = capsys.readouterr().out
    assert f"{told['allocated_bytes'] / 2**20:.0f} MiB allocated" in text
    assert "The closed form says" in text
    assert "backward 2" in text
    assert "24GB: fits" in text


@pytest.mark.slow
def test_a_run_that_does_not_fit_is_exit_1(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = {**TINY, "hidden_size": 4096, "vocab_size": 128_000, "intermediate_size": 14336}
    (model / "config.json").write_text(json.dumps(values))
    assert run(options(sft(model), "--gpu", "2GB")) == 1
    assert "does not fit: out of memory" in capsys.readouterr().out
