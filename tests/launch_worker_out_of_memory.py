"""A worker for tests: the real one on a device with room for ``ROOM`` sequences at once.

Beyond that it raises what CUDA raises, at the optimizer step ``STEP`` on the rank ``RANK_``.
"""

from __future__ import annotations

import os
import sys

from lora_launch.worker import train

ROOM, STEP = int(os.environ["LAUNCH_TEST_ROOM"]), int(os.environ["LAUNCH_TEST_STEP"])
ON_RANK = os.environ.get("LAUNCH_TEST_RANK", "0")


def _limit() -> None:
    import torch

    from lora_launch.worker.trainer import Trainer

    whole = Trainer.training_step

    def limited(self, model, inputs, *args, **kwargs):
        late = self.state.global_step + 1 >= STEP
        here = os.environ.get("RANK", "0") == ON_RANK
        if late and here and len(inputs["input_ids"]) > ROOM:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return whole(self, model, inputs, *args, **kwargs)

    Trainer.training_step = limited


if __name__ == "__main__":
    _limit()
    sys.exit(train.main(sys.argv[1:]))
