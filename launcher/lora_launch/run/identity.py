"""What makes two launches the same run, so that one may go on where the other stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

UNRELATED = (
    "output_dir",
    "run_name",
    "report_to",
    "logging_",
    "log_",
    "save_total_limit",
    "push_to_hub",
    "hub_",
    "disable_tqdm",
    "dataloader_num_workers",
    "dataset_num_proc",
    "trackio_",
    "project",
)
"""Keys of ``training`` (or their beginnings) that change nothing of what is learnt."""
_BLOCK = 1 << 20
MAX_BYTES = 1 << 30
"""A larger data file is known by its size and time: a GiB takes a second or two to hash."""


def identity(
    config: Mapping[str, Mapping[str, Any]], devices: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Everything that a run's result depends on, as dotted keys."""
    training = {
        key: value
        for key, value in config["training"].items()
        if not key.startswith(UNRELATED) and key != "seed"
    }
    if training.get("deepspeed"):
        training["deepspeed"] = _file(training["deepspeed"])
    data = dict(config["data"])
    for part in ("train", "eval"):
        data[part] = [_file(name) for name in data.get(part) or []]
    sections = {
        "model": config["model"],
        "quantization": config["quantization"],
        "lora": config["lora"],
        "data": data,
        "training": training,
        "hardware": devices,
        "run": {"seed": seed},
    }
    return dict(_flat(sections, ""))


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", each


def _file(name: str) -> str:
    if not os.path.isfile(name):
        return name
    size = os.path.getsize(name)
    if size > MAX_BYTES:
        return f"{name} ({size} bytes of {int(os.path.getmtime(name))})"
    found = hashlib.sha256()
    with open(name, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return f"{os.path.basename(name)} (sha256 {found.hexdigest()[:16]})"


def digest(found: Mapping[str, Any]) -> str:
    """A short name for an identity."""
    text = json.dumps(found, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A line for each key that is not the same."""
    lines = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key), now.get(key)
        if json.dumps(old, default=str) != json.dumps(new, default=str):
            lines.append(f"{key}: {_said(old)} -> {_said(new)}")
    return lines


def _said(value: object) -> str:
    return "not set" if value is None else json.dumps(value, default=str)
