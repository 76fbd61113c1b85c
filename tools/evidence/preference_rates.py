"""Learning rates of the official recipes for preferences and reward models, one a line.

    python tools/evidence/preference_rates.py [../shared/data/recipes]

Shows how many of them are at 1e-4 and above. EBFT, a method of axolotl that learns from features
of a text and not from preferences, is counted apart.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LEARNS = re.compile(r"^(?:stage|rl): *\"?(dpo|kto|orpo|rm|ebft)\b", re.MULTILINE)
REWARD = re.compile(r"^reward_model: *true", re.MULTILINE)
RATE = re.compile(r"(?:^| )(?:learning_rate|lr): *([0-9.e-]+)", re.MULTILINE)


def method(path: Path, text: str) -> str:
    """What a recipe learns from; empty for supervised ones."""
    if REWARD.search(text):
        return "rm"
    found = LEARNS.search(text)
    if found is not None:
        return found.group(1)
    return "dpo" if "_lora_dpo" in path.name else ""


def main() -> None:
    """Print every rate and the counts."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/recipes")
    rates: dict[str, list[float]] = {}
    for path in sorted(folder.rglob("*.y*ml")):
        text = path.read_text(encoding="utf-8")
        kind, found = method(path, text), RATE.search(text)
        if kind and found is not None:
            rates.setdefault(kind, []).append(float(found.group(1)))
            print(f"{kind:5} {found.group(1):8} {path.relative_to(folder)}")
    ebft = rates.pop("ebft", [])
    every = [rate for each in rates.values() for rate in each]
    print(f"{sum(rate >= 1e-4 for rate in every)} of {len(every)} at 1e-4 and above, ", end="")
    print(f"and {sum(rate >= 1e-4 for rate in ebft)} of {len(ebft)} with EBFT")
    for kind, found_rates in sorted(rates.items()):
        print(f"  {kind}: {sum(rate >= 1e-4 for rate in found_rates)} of {len(found_rates)}")


if __name__ == "__main__":
    main()
