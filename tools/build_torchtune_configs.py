"""Writes ``libraries/torchtune/configs.json``: the components of torchtune's LoRA configurations.

    python tools/build_torchtune_configs.py [--wheels FOLDER]

``tune run RECIPE --config llama3_1/8B_lora_single_device model.lora_rank=16`` names one of them. A
row has the component of each section.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import yaml

from build_signatures import TARGET
from wheel_source import Wheel, download

VERSION = "0.6.1"
FOLDER = "recipes/configs/"


def rows(wheel: Wheel) -> dict[str, dict[str, Any]]:
    """By a configuration's name, its sections with what each calls."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(wheel.every_name()):
        if not name.startswith(FOLDER) or not name.endswith(".yaml"):
            continue
        config = yaml.safe_load(wheel.text(name))
        sections = {key: inner for key, inner in config.items() if isinstance(inner, dict)}
        called = {
            key: inner["_component_"] for key, inner in sections.items() if "_component_" in inner
        }
        if "lora_" in str(called.get("model")):
            found[name.removeprefix(FOLDER).removesuffix(".yaml")] = called
    return found


def main() -> None:
    """Read and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="keep the wheel in this folder")
    folder = parser.parse_args().wheels or Path(tempfile.mkdtemp())
    table = rows(Wheel(download("torchtune", VERSION, folder), "torchtune"))
    lines = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in table.items()]
    target = TARGET / "torchtune" / "configs.json"
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"{target}: {len(lines)} configurations")


if __name__ == "__main__":
    main()
