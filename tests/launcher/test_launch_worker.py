"""What the worker makes of data, tokenizers and packing; in one process, for its imports' sake."""

from __future__ import annotations

import json
import sys

import pytest

from conftest import ROOT
from lora_launch.errors import LaunchError
from lora_launch.plan.devices import Devices
from lora_launch.run import launch
from lora_launch.run.folder import Folder

pytestmark = pytest.mark.slow

CPU = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False}

sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    import make_tiny_model

    folder = tmp_path_factory.mktemp("worker") / "model"
    make_tiny_model.make(folder, steps=0)
    return folder


@pytest.fixture
def trainer(model, tmp_path):
    """Makes a trainer as the worker does."""
    from lora_launch.worker.train import make_trainer

    def make(rows: list[dict], **training: object):
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        sections = {
            "model": {"pretrained_model_name_or_path": str(model)},
            "quantization": {},
            "lora": {"r": 4, "target_modules": "all-linear"},
            "data": {"train": [str(path)]},
            "training": {**CPU, **training},
            "run": {},
        }
        return make_trainer({"config": sections, "arguments": {}}, Folder(str(tmp_path)))

    return make


PAIRS = [{"prompt": "Where is it?", "completion": " Team: delivery"}] * 4
TEXTS = ("one", "the second one", "a third, which is longer", "four")
ROLES = ("user", "assistant")
CHAT = [
    {"messages": [{"role": role, "content": f"{role}: {text}"} for role in ROLES]} for text in TEXTS
]


def trained(trainer) -> list[str]:
    """What each row's loss is taken on, as text."""
    words = trainer.processing_class
    return [
        words.decode([token for token in row["labels"] if token != -100])
        for row in trainer.train_dataset
    ]


def test_prompt_and_completion_train_the_completion_alone(trainer):
    assert set(trained(trainer(PAIRS))) == {" Team: delivery<eos>"}


def test_chat_trains_everything_or_the_answers(trainer):
    assert trained(trainer(CHAT))[0] == "<|user|>\nuser: one\n<|assistant|>\nassistant: one<eos>"
    assert trained(trainer(CHAT, assistant_only_loss=True))[0] == "assistant: one<eos>"


def test_text_trains_everything(trainer):
    assert trained(trainer([{"text": "plain words"}] * 2)) == ["plain words<eos>"] * 2


def test_packed_documents_do_not_see_each_other(trainer):
    import torch

    packed = trainer(CHAT, packing=True, max_length=256)
    assert packed.model.config.use_cache is False
    assert len(packed.train_dataset) == 1
    batch = next(iter(packed.get_train_dataloader()))
    packed.model.eval()
    with torch.no_grad():
        together = packed.model(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"]
        ).logits[0]
    starts = (batch["position_ids"][0] == 0).nonzero().flatten().tolist()
    assert len(starts) == len(CHAT)
    for start, end in zip(starts, [*starts[1:], together.shape[0]], strict=True):
        with torch.no_grad():
            alone = packed.model(input_ids=batch["input_ids"][:, start:end]).logits[0]
        assert torch.allclose(together[start:end], alone, atol=1e-4)


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.parquet", "rows.json"])
def test_every_kind_of_file_is_read(tmp_path, name):
    import datasets

    from lora_launch.worker import loading

    rows = datasets.Dataset.from_list([{"question": f"q{n}", "answer": "a"} for n in range(5)])
    path = str(tmp_path / name)
    if name.endswith("parquet"):
        rows.to_parquet(path)
    elif name.endswith("json"):
        rows.to_json(path)
    else:
        rows.to_csv(path, sep="\t" if name.endswith("tsv") else ",", index=False)
    columns = {"question": "prompt", "answer": "completion"}
    section = {"train": [path], "columns": columns, "max_samples": 3}
    found = loading.dataset(section, "train", "text")
    assert found["prompt"] == ["q0", "q1", "q2"]
    assert loading.dataset(section, "eval", "text") is None
    with pytest.raises(LaunchError, match=r"has the columns question, answer; TRL knows"):
        loading.dataset({"train": [path]}, "train", "text")


@pytest.mark.parametrize(
    ("devices", "strategy", "expected"),
    [
        (Devices("cpu", 1), "none", {"cpu": True, "num_processes": 1}),
        (Devices("cpu", 2), "ddp", {"multi_gpu": True, "num_processes": 2}),
        (Devices("cuda", 1), "none", {"multi_gpu": False, "cpu": False}),
        (Devices("cuda", 4), "ddp", {"multi_gpu": True, "num_processes": 4}),
        (Devices("cuda", 4), "fsdp", {"use_fsdp": True, "fsdp_version": "2", "multi_gpu": False}),
        (Devices("cuda", 4), "deepspeed", {"use_deepspeed": True}),
    ],
)
def test_accelerate_takes_the_command(devices, strategy, expected):
    from accelerate.commands.launch import launch_command_parser

    line = launch.command(devices, strategy, {"deepspeed": "zero2.json"}, "a.module")
    found = vars(launch_command_parser().parse_args([*line[3:], "folder"]))
    common = {"module": True, "training_script": "a.module", "num_machines": 1, "quiet": True}
    assert {key: found[key] for key in (expected | common)} == expected | common
    assert found["training_script_args"] == ["folder"]


def test_tokenizers_that_lack_something_are_told(model, tmp_path):
    from transformers import AutoTokenizer

    from lora_launch.worker import loading

    bare = AutoTokenizer.from_pretrained(model)
    bare.pad_token = bare.eos_token = bare.chat_template = None
    bare.save_pretrained(tmp_path / "bare")
    named = {"pretrained_model_name_or_path": str(tmp_path / "bare")}
    with pytest.raises(LaunchError, match=r"no padding token and no end token"):
        loading.tokenizer(named, {})
    with pytest.raises(LaunchError, match=r"name one in training\.eos_token"):
        loading.tokenizer(named, {"pad_token": "<pad>"})
    found = loading.tokenizer(named, {"pad_token": "<pad>", "eos_token": "<eos>"})
    with pytest.raises(LaunchError, match=r"no chat template"):
        loading.check_chat(found, CHAT, {}, "bare")
    loading.check_chat(found, CHAT, {"chat_template_path": "x.jinja"}, "bare")
    loading.check_chat(found, PAIRS, {}, "bare")


def test_merging_adds_the_adapter_and_refuses_a_4_bit_base(trainer, model, tmp_path, capsys):
    import torch
    from transformers import AutoModelForCausalLM

    from lora_launch.cli import main

    made = trainer(PAIRS)
    for name, weight in made.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    made.save_model(str(tmp_path / "adapter"))
    merged = tmp_path / "merged"
    arguments = ["merge", str(tmp_path / "adapter"), "--output", str(merged), "--dtype", "float32"]
    assert main(arguments) == 0
    ids = torch.tensor([[5, 6, 7, 8]])
    made.model.eval()
    with torch.no_grad():
        whole = AutoModelForCausalLM.from_pretrained(merged)(input_ids=ids).logits
        assert torch.allclose(whole, made.model(input_ids=ids).logits, atol=1e-4)
        base = AutoModelForCausalLM.from_pretrained(model)(input_ids=ids).logits
    assert not torch.allclose(whole, base, atol=1e-2)
    assert main(arguments) == 2
    assert "is not empty" in capsys.readouterr().err
    described = json.loads((merged / "config.json").read_text())
    described["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (merged / "config.json").write_text(json.dumps(described))
    again = [*arguments[:3], str(tmp_path / "again"), "--base", str(merged)]
    assert main(again) == 2
    assert "is a 4-bit checkpoint" in capsys.readouterr().err
