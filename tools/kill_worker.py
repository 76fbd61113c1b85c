"""The worker of ``kill_test.py --oom``: notes every example it trains on, runs out of memory.

``KILL_TEST`` names a JSON file: ``seen`` is where to write the examples, ``limits`` the list of
``[step, micro step, room]``: from there on, more than ``room`` sequences at once do not fit.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from typing import Any, TypeAlias

from lora_launch.worker import train

Opaque: TypeAlias = Any
"""An object of the libraries."""
RANK = int(os.environ.get("RANK", "0"))


def watch() -> None:
    """Stand in front of the trainer's step."""
    import torch

    from lora_launch.worker.trainer import Trainer

    with open(os.environ["KILL_TEST"], encoding="utf-8") as file:
        told = json.load(file)
    seen = open(f"{told['seen']}-{RANK}", "a", encoding="utf-8")  # noqa: SIM115 (for the whole run)
    whole = Trainer.training_step
    at = [0, 0]

    def watched(self: Opaque, model: Opaque, inputs: Opaque, *args: Opaque) -> Opaque:
        step = self.state.global_step + 1
        at[:] = [step, at[1] + 1 if at[0] == step else 0]
        ids = inputs["input_ids"]
        for limit in told["limits"]:
            if at >= limit[:2] and len(ids) > limit[2]:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        rows = [
            zlib.crc32(json.dumps(row[mask.bool()].tolist()).encode())
            for row, mask in zip(ids, inputs["attention_mask"], strict=True)
        ]
        note = {"pid": os.getppid(), "step": step, "micro": at[1], "rank": RANK, "rows": rows}
        seen.write(json.dumps(note) + "\n")
        seen.flush()
        return whole(self, model, inputs, *args)

    Trainer.training_step = watched  # type: ignore[method-assign]


if __name__ == "__main__":
    watch()
    sys.exit(train.main(sys.argv[1:]))
