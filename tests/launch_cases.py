"""What the launcher's tests share: a small configuration, and a model's folder without weights."""

from __future__ import annotations

import json
from pathlib import Path

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
CONFIG = """\
model:
  pretrained_model_name_or_path: model
lora:
  r: 8
  lora_alpha: 16
  target_modules: all-linear
data:
  train: train.jsonl
training:
  max_length: 128
  per_device_train_batch_size: 4
  gradient_accumulation_steps: 2
  num_train_epochs: 2
  learning_rate: 2.0e-4
  use_cpu: true
  bf16: false
run:
  name: small
  output_dir: out
"""


def folder(tmp_path: Path, text: str = CONFIG, rows: int = 400) -> Path:
    """A configuration with its model's ``config.json`` and its data; the answer is its path."""
    (tmp_path / "model").mkdir(exist_ok=True)
    (tmp_path / "model" / "config.json").write_text(json.dumps(LLAMA))
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    line = json.dumps({"messages": chat}) + "\n"
    (tmp_path / "train.jsonl").write_text(line * rows)
    path = tmp_path / "small.yaml"
    path.write_text(text)
    return path


def fake_nvidia_smi(tmp_path: Path, monkeypatch, lines: list[str], code: int = 0) -> None:
    """An ``nvidia-smi`` on the path that prints these lines."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    text = "\n".join(lines)
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def metrics(folder: Path) -> list[dict]:
    """What a run has logged; a line that is being written is left out."""
    path = folder / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines if line]


def learnt(folder: Path) -> dict:
    """Every number that says what was learnt, by step."""
    return {
        (entry["step"], name): entry[name]
        for entry in metrics(folder)
        for name in ("loss", "grad_norm", "learning_rate", "eval_loss")
        if name in entry
    }
