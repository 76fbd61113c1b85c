"""A worker for tests: the real one that notes what every parameter is, rank by rank.

``LOOKS`` names a folder; ``RANK.json`` in it holds, after a step, each parameter's class, where it
lies, its size and the size of this process's part; and the names of the FSDP modules.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lora_launch.worker import train


def _note(model) -> dict:
    from torch.distributed.fsdp import FSDPModule
    from torch.distributed.tensor import DTensor

    def noted(each) -> dict:
        divided = isinstance(each, DTensor)
        return {
            "class": type(each).__name__,
            "placements": [str(place) for place in each.placements] if divided else [],
            "device": each.device.type,
            "all": each.numel(),
            "mine": each.to_local().numel() if divided else each.numel(),
        }

    return {
        "parameters": {name: noted(each) for name, each in model.named_parameters()},
        "modules": [name for name, each in model.named_modules() if isinstance(each, FSDPModule)],
        "wrapper": type(model).__name__,
    }


def _look() -> None:
    from transformers import TrainerCallback

    make = train.make_trainer

    class Look(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            path = Path(os.environ["LOOKS"]) / f"{os.environ.get('RANK', '0')}.json"
            path.write_text(json.dumps(_note(kwargs["model"])))

    def looking(job, folder):
        trainer = make(job, folder)
        trainer.add_callback(Look())
        return trainer

    train.make_trainer = looking


if __name__ == "__main__":
    _look()
    sys.exit(train.main(sys.argv[1:]))
