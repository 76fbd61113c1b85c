"""Compares the count of trained parameters with PEFT's own, over random models and adapters.

    PYTHONPATH=rules python tools/check_trainable_parameters.py [TYPE …] [--times N] [--seed N]
        [--write FILE]

Needs torch, transformers 5.23.0 and peft 0.21.2, which the project itself does not depend on. For
each type, small models with random configurations are built on the meta device; for each, PEFT
puts a random adapter on, and the trained parameters are counted. PEFT's refusal is an answer, too:
ours must then be unknown. ``--write`` keeps the cases with PEFT's answers as a fixture.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import peft
import torch
import transformers
from torch import nn

from architectures_check import as_file
from architectures_configs import BuildError, Kind, build
from architectures_vary import probe, sample
from build_architectures import find_kind, prepare
from peft_adapters import random_adapter
from peft_replay import Answer, ours

TYPES = [
    "llama", "qwen2", "qwen3", "qwen3_moe", "qwen2_moe", "mixtral", "mistral", "gemma", "gemma2",
    "gemma3_text", "gemma3", "opt", "gpt2", "gpt_neox", "gptj", "gpt_neo", "bloom", "falcon",
    "phi", "phi3", "stablelm", "starcoder2", "olmo2", "olmoe", "granite", "granitemoehybrid",
    "smollm3", "cohere", "gpt_oss", "deepseek_v3", "qwen3_next", "jamba", "mamba", "t5", "bart",
    "bert", "roberta", "distilbert", "deberta-v2", "vit", "siglip_vision_model", "llava",
    "qwen2_vl", "qwen2_5_vl", "whisper", "mpt", "codegen", "gpt_bigcode", "llama4_text",
    "electra",
]  # fmt: skip
ADAPTERS = 8
"""How many for each model that is built."""


class Row(NamedTuple):
    """A case with both answers."""

    model_type: str
    task: str
    config: dict[str, Any]
    adapter: dict[str, Any]
    theirs: int | None
    """``None`` where PEFT refuses."""
    why: str
    ours: Answer

    @property
    def verdict(self) -> str:
        """In a word or two, for the table."""
        if self.ours.count is None:
            return "both refuse" if self.theirs is None else "unknown"
        if self.theirs is None:
            return "PEFT refuses"
        return "equal" if self.ours.count == self.theirs else "differ"


def main() -> None:
    """Compare, print the table; the exit status is 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("types", nargs="*")
    parser.add_argument("--times", type=int, default=2, help="models a type")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--write", type=Path, default=None)
    arguments = parser.parse_args()
    quiet()
    rows: list[Row] = []
    for name in arguments.types or TYPES:
        chance = random.Random(None if arguments.seed is None else f"{arguments.seed} {name}")  # noqa: S311
        own = list(compare(name, chance, arguments.times))
        rows += own
        print(f"{name:22} {_counts(own)}", flush=True)
        for row in own:
            if row.verdict in ("differ", "PEFT refuses"):
                print(f"  {row.task} {row.adapter}\n    PEFT {row.theirs} {row.why[:150]}")
                print(f"    ours {row.ours.count}; {row.config}"[:600])
    _tell(rows)
    if arguments.write is not None:
        arguments.write.write_text("".join(map(_line, rows)), encoding="utf-8")
    sys.exit(any(row.verdict in ("differ", "PEFT refuses") for row in rows))


def quiet() -> None:
    """No warnings: PEFT has many about such adapters."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()


def compare(name: str, chance: random.Random, times: int) -> Iterator[Row]:
    """Fresh cases of a type."""
    kind = prepare(find_kind(name))
    probe(kind)
    for _ in range(times):
        try:
            task, flat, _built = sample(kind, chance)
        except BuildError:
            continue
        model = build_plain(kind, task, flat)
        for _ in range(ADAPTERS):
            adapter = random_adapter(model, task, chance)
            theirs, why = theirs_of(model, adapter)
            config = as_file(kind, flat)
            yield Row(name, task, config, adapter, theirs, why, ours(name, task, config, adapter))


def build_plain(kind: Kind, task: str, flat: dict[str, Any]) -> nn.Module:
    """The model on the meta device."""
    with torch.device("meta"):
        model: nn.Module = build(kind, task, flat)[0]
    return model


def theirs_of(model: nn.Module, adapter: dict[str, Any]) -> tuple[int | None, str]:
    """How many parameters PEFT trains, or why it refuses."""
    try:
        adapted = peft.get_peft_model(copy.deepcopy(model), peft.LoraConfig(**adapter))
        return adapted.get_nb_trainable_parameters()[0], ""
    except Exception as refusal:
        return None, f"{type(refusal).__name__}: {refusal}"


def _line(row: Row) -> str:
    kept = {
        "model_type": row.model_type,
        "task": row.task,
        "config": row.config,
        "adapter": row.adapter,
        "count": row.theirs,
    }
    return json.dumps(kept, separators=(",", ":")) + "\n"


def _counts(rows: list[Row]) -> str:
    counts = Counter(row.verdict for row in rows)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())


def _tell(rows: list[Row]) -> None:
    print(f"\n{len(rows)} cases of {len({row.model_type for row in rows})} types: {_counts(rows)}")
    reasons = Counter(row.ours.why.split(":")[0][:70] for row in rows if row.verdict == "unknown")
    for reason, count in reasons.most_common(20):
        print(f"  {count:4} unknown: {reason}")


if __name__ == "__main__":
    main()
