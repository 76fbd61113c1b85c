"""What the sweep of tinker-cookbook says of learning rates, recomputed from its tables.

    python tools/evidence/tinker_sweep.py

The tables are ``tinker_cookbook/recipes/chat_sl/results/sft_sweep.md`` of commit 9dfcc3a: test loss
by model, rank and learning rate, and beside each model how many runs diverged (a loss above 2).
``data/tinker_sweep.csv`` holds the rows, runs that were repeated among them, and
``data/tinker_sweep_diverged.csv`` the notes. Data: tulu3, batches of 128, 780 steps. That
lora_alpha was 32 is not in the file; the laboratory says it of all its runs (LoRA Without Regret).
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from typing import NamedTuple

DATA = Path(__file__).parent / "data"
ALPHA = 32
LARGE_DENSE = (
    "Qwen/Qwen3.5-27B",
    "Qwen/Qwen3.6-27B",
    "Qwen/Qwen3-32B",
    "meta-llama/Llama-3.1-70B",
    "meta-llama/Llama-3.3-70B-Instruct",
)


class Run(NamedTuple):
    """A run that converged."""

    model: str
    rank: int
    rate: float
    loss: float


class Diverged(NamedTuple):
    """Runs of a model that diverged."""

    model: str
    rates: tuple[float, ...]
    ranks: tuple[int, ...]
    runs: int


def runs() -> list[Run]:
    """The rows of the tables."""
    with (DATA / "tinker_sweep.csv").open(encoding="utf-8") as file:
        return [
            Run(row["model"], int(row["rank"]), float(row["rate"]), float(row["loss"]))
            for row in csv.DictReader(file)
        ]


def diverged() -> list[Diverged]:
    """The notes below the tables."""
    with (DATA / "tinker_sweep_diverged.csv").open(encoding="utf-8") as file:
        return [
            Diverged(
                row["model"],
                tuple(map(float, row["rates"].split())),
                tuple(map(int, row["ranks"].split())),
                int(row["diverged"]),
            )
            for row in csv.DictReader(file)
        ]


def lowest(model_runs: list[Run]) -> dict[float, float]:
    """A model's lowest loss at each rate, over all ranks."""
    found: dict[float, float] = {}
    for run in model_runs:
        found[run.rate] = min(run.loss, found.get(run.rate, run.loss))
    return found


def by_model() -> dict[str, list[Run]]:
    """The runs of each model."""
    found: dict[str, list[Run]] = defaultdict(list)
    for run in runs():
        found[run.model].append(run)
    return found


def diverged_at(rate: float) -> dict[str, int]:
    """How many runs of each model diverged at a rate.

    Where a note names two rates, those of the higher one are one a rank, and the rest is of the
    lower one.
    """
    found = {}
    for note in diverged():
        if rate not in note.rates:
            continue
        of_highest = note.runs if len(note.rates) == 1 else len(note.ranks)
        found[note.model] = of_highest if rate == max(note.rates) else note.runs - of_highest
    return found


def main() -> None:
    """Print what the pages say."""
    models = by_model()
    losses = {model: lowest(each) for model, each in models.items()}
    best = {model: min(each, key=lambda rate: each[rate]) for model, each in losses.items()}
    print(f"{len(models)} models, {len(runs())} runs that converged")
    print("best rate:", dict(sorted(Counter(best.values()).items())))
    within = sum(3e-4 <= rate <= 1e-3 for rate in best.values())
    print(f"best within 3e-4 and 1e-3: {within} of {len(best)}")
    print(f"at lora_alpha {ALPHA}: products of {3e-4 * ALPHA:g} to {1e-3 * ALPHA:g}")
    for rate in (4e-5, 1e-4, 3e-4, 1e-3):
        cost = [
            100 * (each[rate] / min(each.values()) - 1) for each in losses.values() if rate in each
        ]
        print(f"{rate:g}: median {median(cost):.1f} %, at most {max(cost):.1f} % above the best")
    for rate in (1e-3, 3e-3):
        lost, rows = diverged_at(rate), [run for run in runs() if run.rate == rate]
        print(f"{rate:g}: {sum(lost.values())} of {sum(lost.values()) + len(rows)} runs diverged")
        print("  ", lost if rate == 1e-3 else f"Llama-3.2-1B: {lost['meta-llama/Llama-3.2-1B']}")
    spread = [
        max(at) / min(at) - 1
        for each in models.values()
        if (at := [run.loss for run in each if run.rate == 4e-5])
    ]
    print(f"between ranks at 4e-5: at most {100 * max(spread):.1f} %")
    for model in LARGE_DENSE:
        cost = 100 * (losses[model][1e-4] / losses[model][best[model]] - 1)
        print(f"{model}: best {best[model]:g}, 1e-4 costs {cost:.1f} %")
    for model, hidden, exponent in (
        ("Llama-3.2-1B", 2048, 0.781),
        ("Llama-3.1-8B", 4096, 0.781),
        ("Llama-3.1-70B", 8192, 0.781),
        ("Qwen3-32B", 5120, 0.0775),
    ):
        print(f"get_lr of {model}: {5e-4 * (2000 / hidden) ** exponent:.2g}")


if __name__ == "__main__":
    main()
