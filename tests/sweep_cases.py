"""What the sweep's tests share: a configuration with a gold set, and trials that only pretend."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import launch_cases
from lora_launch.cli import main
from lora_launch.sweep import engine, trial

GOLD = "  train: train.jsonl\n  eval: eval.jsonl\n"
CONFIG = launch_cases.CONFIG.replace("  train: train.jsonl\n", GOLD)


def folder(tmp_path: Path, text: str = CONFIG) -> Path:
    """A configuration with its model, its data and its gold set."""
    path = launch_cases.folder(tmp_path, text)
    (tmp_path / "eval.jsonl").write_bytes((tmp_path / "train.jsonl").read_bytes())
    return path


def sweep(path: Path, *arguments: str) -> int:
    return main(["sweep", "--config", str(path), *arguments])


def told(path: Path, capsys, *arguments: str, code: int = 0) -> dict:
    """The record that the command prints."""
    capsys.readouterr()
    assert sweep(path, *arguments, "--format", "json") == code
    return json.loads(capsys.readouterr().out)


def loss_of(settings: dict) -> float:
    """A valley: best at all layers, r=16, a learning rate of 4e-4 and a dropout of 0.05."""
    rank = abs(math.log2(settings.get("lora.r", 8) / 16))
    rate = abs(math.log2(settings.get("training.learning_rate", 2e-4) / 4e-4))
    alpha = abs(math.log2(settings.get("lora.lora_alpha", 16) / 16))
    dropout = abs(settings.get("lora.lora_dropout", 0) - 0.05)
    part = 0 if settings.get("lora.target_modules", "all-linear") == "all-linear" else 0.5
    return 1 + 0.1 * rank + 0.2 * rate + 0.05 * alpha + dropout + part


class Pretended:
    """A process that ended at once."""

    def __init__(self, code: int, ends: bool = True) -> None:
        self.code: int | None = code if ends else None
        self.signals: list[int] = []

    def poll(self) -> int | None:
        return self.code

    def send_signal(self, number: int) -> None:
        self.signals.append(number)
        self.code = 143


class Trials:
    """Stands in for the processes of a sweep."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.settings: list[dict] = []
        self.folders: list[str] = []
        self.environments: list[dict[str, str]] = []
        self.act: Callable[[dict, Path], Pretended | None] = lambda _settings, _folder: None
        """What happens instead of a run that ends well."""

    def start(self, line, folder, slot) -> Pretended:
        given = [line[at + 1] for at, word in enumerate(line) if word == "--set"]
        settings = {key: _value(text) for key, _, text in (each.partition("=") for each in given)}
        self.lines.append(line)
        self.settings.append(settings)
        self.folders.append(os.path.basename(folder.path))
        self.environments.append(dict(slot.environment))
        place = Path(folder.path)
        place.mkdir(parents=True, exist_ok=True)
        other = self.act(settings, place)
        if other is not None:
            return other
        return done(place, loss_of(settings))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def done(place: Path, loss: float) -> Pretended:
    outcome = {"status": "done", "step": 100, "final": {"final_loss": loss}}
    record = {"status": "done", "outcome": outcome, "attempts": [{"seconds": 7.5}]}
    (place / "run.json").write_text(json.dumps(record))
    return Pretended(0)


def failed(place: Path, message: str) -> Pretended:
    (place / "launch.txt").write_text(f"lora-launch: {message}\n")
    record = {"status": "failed", "outcome": {"status": "failed", "message": message}}
    (place / "run.json").write_text(json.dumps({**record, "attempts": []}))
    return Pretended(2)


def interrupts(_settings: dict, _place: Path) -> Pretended:
    """Ctrl-C, as the command gets it, while this trial runs."""
    found = Pretended(0, ends=False)
    signal.raise_signal(signal.SIGTERM)
    found.code = 143
    return found


@pytest.fixture
def trials(monkeypatch) -> Trials:
    found = Trials()
    monkeypatch.setattr(trial, "start", found.start)
    monkeypatch.setattr(engine, "PAUSE", 0.0)
    monkeypatch.setattr(engine, "LOOK_EVERY", 0.0)
    return found
