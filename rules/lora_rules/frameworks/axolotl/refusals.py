"""What axolotl's own validation refuses (utils/schemas/{validation,config,peft,training}.py)."""

from __future__ import annotations

from lora_rules.engine.refusals import Refusals
from lora_rules.frameworks.axolotl.refusals_adapter import ADAPTER, PREFERENCES
from lora_rules.frameworks.axolotl.refusals_data import DATA
from lora_rules.frameworks.axolotl.refusals_memory import MEMORY, SHARDED_BY_TORCH
from lora_rules.frameworks.axolotl.refusals_run import REMOVED, SCHEDULE

REFUSALS = (
    Refusals(
        "axolotl",
        "axolotl",
        (*ADAPTER, *SCHEDULE, *PREFERENCES, *MEMORY, *REMOVED, *DATA),
        "https://github.com/axolotl-ai-cloud/axolotl, src/axolotl/utils/schemas",
        "axolotl raises it when it validates the configuration, before anything is loaded.",
    ),
    Refusals(
        "torch",
        "torch",
        SHARDED_BY_TORCH,
        "https://github.com/pytorch/pytorch, torch/distributed/fsdp/_flat_param.py",
        "torch raises it when the model is wrapped, after it has been loaded.",
    ),
)
