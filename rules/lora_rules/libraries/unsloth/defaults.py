"""What ``import unsloth`` makes of the defaults of TRL's configurations.

It compiles each of them anew, with other defaults (unsloth 2026.10.9, ``models/rl.py``). Its
warm-up, a tenth of the run, is left out: which key it has depends on transformers' version.
"""

from __future__ import annotations

from collections.abc import Mapping

CONFIGURATIONS: Mapping[str, object] = {
    "learning_rate": 5e-5,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 2,
    "weight_decay": 0.001,
    "seed": 3407,
    "optim": "adamw_8bit",
    "logging_steps": 1,
}
