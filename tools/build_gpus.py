"""Writes ``rules/lora_rules/facts/memory/gpus.json`` from measurements.

    python tools/build_gpus.py tests/data/gpus.json

The research table gives for each card the total that torch reports, as a range over drivers, with
its source (a printed ``_CudaDeviceProperties``, an out-of-memory message, a notebook's banner).
Both ends are kept. ``MORE`` holds the cards that were looked up since. A card whose total nobody
has published is left out: an estimate is no fact.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "rules/lora_rules/facts/memory/gpus.json"

NAMES: dict[str, tuple[str, list[str]]] = {
    "p100-16": ("Tesla P100 16GB", ["p100", "p100 pcie 16gb"]),
    "v100-16": ("Tesla V100 16GB", ["v100 sxm2 16gb", "v100 pcie 16gb"]),
    "v100-32": ("Tesla V100 32GB", ["v100 sxm2 32gb", "v100 pcie 32gb"]),
    "t4": ("Tesla T4", []),
    "quadro-rtx8000": ("Quadro RTX 8000", ["rtx 8000"]),
    "rtx3060-12": ("GeForce RTX 3060 12GB", ["rtx 3060", "3060"]),
    "rtx3080-10": ("GeForce RTX 3080 10GB", []),
    "rtx3090": ("GeForce RTX 3090", []),
    "rtx3090ti": ("GeForce RTX 3090 Ti", []),
    "a5000": ("RTX A5000", []),
    "a6000": ("RTX A6000", []),
    "a10": ("A10", ["a10 24gb"]),
    "a10g": ("A10G", []),
    "a40": ("A40", []),
    "a100-40": ("A100 40GB", ["a100 sxm4 40gb", "a100 pcie 40gb"]),
    "a100-80": ("A100 80GB", ["a100 sxm4 80gb", "a100 80gb pcie", "a100 pcie 80gb"]),
    "a100-mig-1g10": ("A100 80GB MIG 1g.10gb", []),
    "l4": ("L4", ["l4 24gb"]),
    "l40": ("L40", []),
    "l40s": ("L40S", ["l40s 48gb"]),
    "rtx4060ti-16": ("GeForce RTX 4060 Ti 16GB", []),
    "rtx4070tis": ("GeForce RTX 4070 Ti SUPER", ["rtx 4070 ti s"]),
    "rtx4080": ("GeForce RTX 4080", []),
    "rtx4090": ("GeForce RTX 4090", ["rtx 4090 24gb"]),
    "rtx6000ada": ("RTX 6000 Ada", ["rtx 6000 ada generation"]),
    "rtx5060ti-16": ("GeForce RTX 5060 Ti 16GB", []),
    "rtx5080": ("GeForce RTX 5080", []),
    "rtx5090": ("GeForce RTX 5090", []),
    "rtxpro6000bw": (
        "RTX PRO 6000 Blackwell",
        ["rtx pro 6000", "rtx pro 6000 blackwell workstation edition"],
    ),
    "h100-pcie": ("H100 PCIe 80GB", ["h100 pcie"]),
    "h100-sxm": ("H100 SXM 80GB", ["h100 sxm", "h100 80gb hbm3", "h100 sxm5", "h100 80gb"]),
    "h100-nvl": ("H100 NVL 94GB", ["h100 nvl"]),
    "h20": ("H20", ["h20 96gb"]),
    "h200": ("H200", ["h200 141gb", "h200 sxm"]),
    "b200": ("B200", []),
    "b300": ("B300", []),
    "mi210-250x-gcd": ("Instinct MI210", ["mi210", "mi250x gcd", "mi250x", "mi250"]),
    "mi300x": ("Instinct MI300X", ["mi300x"]),
    "rtx2080ti": ("GeForce RTX 2080 Ti", []),
    "rtx2060super": ("GeForce RTX 2060 SUPER", []),
    "gtx1080ti": ("GeForce GTX 1080 Ti", []),
    "rx7900xtx": ("Radeon RX 7900 XTX", ["rx 7900 xtx", "7900 xtx"]),
    "m2max-32": ("Apple M2 Max 32GB", ["m2 max 32gb"]),
    "m2max-96": ("Apple M2 Max 96GB", ["m2 max 96gb"]),
}
"""How the card is called, and further names that torch, clouds or people use for it."""

MORE: list[dict[str, object]] = [
    {
        "key": "rtx2080ti",
        "marketing_gb": 11,
        "total_mib_low": 11019,
        "total_mib_high": 11019,
        "compute_capability": "7.5",
        "bf16_native": False,
        "source": "_CudaDeviceProperties print (torch 1.8.1+cu102, in four public repositories)",
        "certainty": "named",
    },
    {
        "key": "rtx2060super",
        "marketing_gb": 8,
        "total_mib_low": 7974,
        "total_mib_high": 7974,
        "compute_capability": "7.5",
        "bf16_native": False,
        "source": "_CudaDeviceProperties print (in two public repositories)",
        "certainty": "named",
    },
    {
        "key": "gtx1080ti",
        "marketing_gb": 11,
        "total_mib_low": 11172,
        "total_mib_high": 11172,
        "compute_capability": "6.1",
        "bf16_native": False,
        "source": "CUDA deviceQuery, 11715084288 bytes (ethereum-mining/ethminer#536)",
        "certainty": "named",
    },
    {
        "key": "rx7900xtx",
        "marketing_gb": 24,
        "total_mib_low": 24560,
        "total_mib_high": 24560,
        "compute_capability": "gfx1100",
        "bf16_native": None,
        "source": "amdgpu's VRAM size in `lact cli info` (ilya-zlobintsev/LACT#533)",
        "certainty": "named",
    },
    {
        "key": "m2max-32",
        "marketing_gb": 32,
        "total_mib_low": 21845,
        "total_mib_high": 21845,
        "compute_capability": "metal",
        "bf16_native": None,
        "source": "Metal's recommendedMaxWorkingSetSize 21845.34 MB (ollama/ollama#434), which"
        " torch.mps.recommended_max_memory() gives",
        "certainty": "named",
    },
    {
        "key": "m2max-96",
        "marketing_gb": 96,
        "total_mib_low": 73728,
        "total_mib_high": 73728,
        "compute_capability": "metal",
        "bf16_native": None,
        "source": "Metal's recommendedMaxWorkingSetSize 73728 MB (ggml-org/llama.cpp#3213), which"
        " torch.mps.recommended_max_memory() gives",
        "certainty": "named",
    },
]
"""Cards looked up after the research table was made (2026-11-22)."""


def _row(card: dict[str, object]) -> dict[str, object]:
    name, aliases = NAMES[str(card["key"])]
    low, high = int(str(card["total_mib_low"])), int(str(card["total_mib_high"]))
    return {
        "name": name,
        "aliases": aliases,
        "gigabytes": card["marketing_gb"],
        "usable": low * 2**20,
        "most": high * 2**20,
        "capability": card["compute_capability"],
        "bf16": card["bf16_native"],
        "source": f"{card['source']} ({card['certainty']})",
    }


def table(measurements: Path) -> tuple[str, list[str]]:
    """The table's text, and the cards that are left out."""
    cards = [*json.loads(measurements.read_text(encoding="utf-8")), *MORE]
    unsourced = [card["name"] for card in cards if "UNSOURCED" in card["certainty"]]
    rows = [_row(card) for card in cards if "UNSOURCED" not in card["certainty"]]
    return json.dumps(rows, indent=1) + "\n", unsourced


def main() -> None:
    """Build and write."""
    text, unsourced = table(Path(sys.argv[1]))
    TARGET.write_text(text, encoding="utf-8")
    print(f"left out, because nobody published their total: {unsourced}")


if __name__ == "__main__":
    main()
