"""What PEFT's calls do to a model (0.21.2; ``tests/rules/libraries/test_effects.py`` runs them)."""

from __future__ import annotations

from lora_rules.engine.effects import (
    ACTIVATES,
    ADDS,
    FIRST,
    FREES,
    FREEZES,
    LOADS,
    MERGES,
    NEW,
    OWNER,
    PART,
    REMOVES,
    REPLACES,
    Effect,
)

ROWS = (
    Effect("*.get_peft_model", FIRST, wrapped=True, does=(ADDS, FREES)),
    Effect("peft.PeftModel*.from_pretrained", FIRST, wrapped=True, does=(LOADS, FREES)),
    Effect("peft.AutoPeftModel*.from_pretrained", NEW, wrapped=True, does=(LOADS, FREES)),
    Effect("peft.inject_adapter_in_model", FIRST, does=(ADDS, FREES)),
    Effect("peft.set_peft_model_state_dict", to="model", does=(REPLACES,)),
    Effect("peft.prepare_model_for_kbit_training", FIRST, does=(FREEZES,)),
    Effect("peft.prepare_model_for_int8_training", FIRST, does=(FREEZES,)),  # up to 0.9
    Effect(".merge_and_unload", OWNER, wrapped=False, does=(MERGES, REMOVES, FREES)),
    Effect(".unload", OWNER, wrapped=False, does=(REMOVES, FREES)),
    Effect(".delete_adapter", PART, does=(REMOVES, FREES)),
    Effect(".merge_adapter", PART, does=(MERGES, FREES)),
    Effect(".set_adapter", PART, does=(ACTIVATES, FREES)),
    Effect(".load_adapter", PART, does=(LOADS, FREES)),
    Effect(".add_adapter", PART, does=(ADDS, FREES)),
    Effect(".inject_adapter", PART, does=(ADDS, FREES)),
    Effect(".add_weighted_adapter", PART, does=(FREES,)),
    Effect(".set_requires_grad", PART, does=(FREES,)),
)
