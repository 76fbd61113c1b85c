"""Every failure that can be known beforehand ends in a sentence that says what to do."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from launch_cases import CONFIG, folder
from lora_launch.cli import main
from lora_launch.run import checkpoints, explain
from lora_launch.run.folder import Folder

CHAT = '{"messages": [{"role": "user", "content": "a"}]}'


def failed(path, capsys, *arguments: str) -> str:
    assert main(["--config", str(path), "--dry-run", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "has no rows"),
        (f"{CHAT}\n{{oops\n", "train.jsonl:2: this is not JSON"),
        (f"{CHAT}\n[1]\n", "train.jsonl:2: a row is an object"),
        ('{"question": "a", "answer": "b"}\n', "this one has question, answer. data.columns"),
        (f'{CHAT}\n{{"text": "a"}}\n', "train.jsonl:2: this row has text, and the one on line 1"),
        ('{"messages": "hello"}\n', "train.jsonl:1: messages is not a list of messages"),
        ('{"messages": [{"content": "a"}]}\n', "message 1 of messages has no role and content"),
        ('{"prompt": "a", "completion": 3}\n', "completion is int, not a text"),
        ('{"text": null}\n', "text is NoneType, not a text"),
        (b"\xff\xfe\n", "train.jsonl:1: this is not UTF-8 text"),
    ],
)
def test_data(tmp_path, capsys, text, told):
    path = folder(tmp_path)
    (tmp_path / "train.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert told in failed(path, capsys)


def test_columns_can_be_renamed(tmp_path):
    path = folder(tmp_path, CONFIG + "\n")
    (tmp_path / "train.jsonl").write_text('{"question": "a", "answer": "b"}\n')
    change = "data.columns={question: prompt, answer: completion}"
    assert main(["--config", str(path), "--dry-run", "--set", change]) == 0


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("data.train=nothing.jsonl", "there is no such data file"),
        ("model.pretrained_model_name_or_path=./nothing", "there is no folder ./nothing"),
        ("model.pretrained_model_name_or_path=.", "holds no config.json"),
        ("training.eval_strategy=steps", "data.eval names nothing"),
        ("training.save_only_model=true", "save_only_model"),
        ("run.early_stopping_patience=2", "load_best_model_at_end"),
        ("model.token=hf_secret", "set HF_TOKEN in the environment"),
    ],
)
def test_sections(tmp_path, capsys, setting, told):
    assert told in failed(folder(tmp_path), capsys, "--set", setting)


def test_disk_full(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lora_launch.plan.plan.free_bytes", lambda _folder: 1000)
    assert main(["--config", str(folder(tmp_path)), "--dry-run"]) == 1
    assert "save_total_limit" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["launch.lock", "workers.lock"])
def test_a_folder_in_use(tmp_path, capsys, name):
    path = folder(tmp_path)
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / name).open("a+") as file:
        file.write("4321\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["--config", str(path)]) == 2
    assert "in use by process 4321" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    path = folder(tmp_path)
    (tmp_path / "out").write_text("a file")
    assert main(["--config", str(path)]) == 2
    assert "choose another run.output_dir" in capsys.readouterr().err


def job() -> dict[str, object]:
    return {"config": {"model": {"pretrained_model_name_or_path": "org/model"}}}


class GatedRepoError(OSError):
    """Named as the hub's."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device", "a.pt"), "The disk is full"),
        (GatedRepoError("403"), "org/model is gated"),
        (OSError("We couldn't connect to 'https://huggingface.co'"), "the hub cannot be reached"),
        (RuntimeError("The NVIDIA driver on your system is too old"), "Update the driver"),
        (ValueError("Your setup doesn't support bf16/gpu."), "training.fp16: true"),
        (ModuleNotFoundError("No module named 'trl'"), "lora-lint[launch]"),
        (KeyError("odd"), "KeyError: 'odd'"),
    ],
)
def test_what_libraries_raise(error, told):
    outer = RuntimeError("while loading")
    outer.__cause__ = error
    assert told in explain.sentence(error, job())
    assert told in explain.sentence(outer, job()) or "odd" in told


def whole(path) -> None:
    path.mkdir(parents=True)
    for name in ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (path / name).write_bytes(name.encode() * 10)
    checkpoints.seal(str(path))


def test_the_newest_whole_checkpoint_is_taken(tmp_path):
    for step in (2, 4, 10):
        whole(tmp_path / f"checkpoint-{step}")
    (tmp_path / "checkpoint-12").mkdir()
    found, skipped = checkpoints.newest(str(tmp_path))
    assert found == str(tmp_path / "checkpoint-10")
    assert skipped == [
        "checkpoint-12 is skipped: it has no complete.json: it was not written to its end."
    ]


@pytest.mark.parametrize("name", ["trainer_state.json", "optimizer.pt", "rng_state.pth"])
def test_torn_checkpoints_are_recognised(tmp_path, name):
    place = tmp_path / "checkpoint-2"
    whole(place)
    assert checkpoints.damage(str(place)) == ""
    data = (place / name).read_bytes()
    (place / name).write_bytes(data[:-1])
    assert "bytes instead of" in checkpoints.damage(str(place))
    (place / name).write_bytes(b"x" + data[1:])
    assert "has changed" in checkpoints.damage(str(place))
    (place / name).unlink()
    assert "is missing" in checkpoints.damage(str(place))
    checkpoints.seal(str(place))
    assert "it holds no" in checkpoints.damage(str(place))


def test_publishing_replaces_what_is_torn(tmp_path):
    place, written = tmp_path / "checkpoint-2", tmp_path / ".writing" / "checkpoint-2"
    place.mkdir()
    (place / "half").write_text("x")
    whole(written)
    checkpoints.publish(str(written), str(place))
    assert checkpoints.damage(str(place)) == ""
    assert not (place / "half").exists()


def test_another_configuration_in_the_folder_is_refused_with_the_difference(
    tmp_path, capsys, monkeypatch
):
    from lora_launch.run import run

    monkeypatch.setattr(run, "_attempts", lambda *_arguments: 0)
    path = folder(tmp_path)
    assert main(["--config", str(path)]) == 0
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["gate"] == {"findings": [], "allowed": []}
    assert record["versions"]["peft"]
    assert main(["--config", str(path), "--set", "training.logging_steps=1"]) == 0
    assert main(["--config", str(path), "--set", "lora.r=16"]) == 1
    assert "lora.r: 8 -> 16" in capsys.readouterr().err
    (tmp_path / "train.jsonl").write_text(f"{CHAT}\n" * 20)
    assert main(["--config", str(path)]) == 1
    assert "data.train" in capsys.readouterr().err
    assert main(["--config", str(path), "--restart"]) == 0


def test_a_folder_of_somebody_else_is_left_alone(tmp_path, capsys):
    path = folder(tmp_path)
    precious = tmp_path / "out" / "adapter" / "weights"
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    for more in ((), ("--restart",)):
        assert main(["--config", str(path), *more]) == 2
        assert "choose another run.output_dir" in capsys.readouterr().err
    assert precious.exists()


def test_a_finished_run_is_not_run_again(tmp_path, capsys, monkeypatch):
    from lora_launch.run import run

    monkeypatch.setattr(run, "_attempts", lambda *_arguments: 0)
    path = folder(tmp_path)
    assert main(["--config", str(path)]) == 0
    record = Path(Folder(str(tmp_path / "out")).record)
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "done"}))
    assert main(["--config", str(path)]) == 0
    assert "This run is finished" in capsys.readouterr().out
