"""Writes ``rules/lora_rules/facts/gpus.json`` from the measurements in the project's research.

    python tools/build_gpus.py ../shared/data/gpus.json

The research table gives for each card the total that torch reports, as a range over drivers, with
its source (a printed ``_CudaDeviceProperties``, an out-of-memory message, a notebook's banner).
Both ends are kept. A card whose total nobody has published is left out: an estimate is no fact.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "rules/lora_rules/facts/gpus.json"

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
}
"""How the card is called, and further names that torch, clouds or people use for it."""


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


def main() -> None:
    """Build and write."""
    cards = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    unsourced = [card["name"] for card in cards if "UNSOURCED" in card["certainty"]]
    rows = [_row(card) for card in cards if "UNSOURCED" not in card["certainty"]]
    TARGET.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"{len(rows)} cards; left out, because nobody published their total: {unsourced}")


if __name__ == "__main__":
    main()
