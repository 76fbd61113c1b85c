"""What axolotl's own validation refuses (utils/schemas/{validation,config,peft,training}.py)."""

from __future__ import annotations

from lora_rules.frameworks.axolotl.refusals_adapter import ADAPTER, PREFERENCES
from lora_rules.frameworks.axolotl.refusals_memory import MEMORY
from lora_rules.frameworks.axolotl.refusals_run import REMOVED, SCHEDULE

AXOLOTL = (*ADAPTER, *SCHEDULE, *PREFERENCES, *MEMORY, *REMOVED)
