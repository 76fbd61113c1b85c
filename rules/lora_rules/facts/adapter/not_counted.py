"""Fact ``not_counted``: why it is not written down here what an adapter trains."""

from __future__ import annotations

from lora_rules.engine.value import Known, Partial, Value
from lora_rules.engine.views import Outline


def not_counted(
    outline: Outline,
    init_lora_weights: Value,
    layer_replication: Value,
    ensure_weight_tying: Value,
    use_bdlora: Value,
    arrow_config: Value,
    kasa_config: Value,
    monteclora_config: Value,
    velora_config: Value,
    megatron_config: Value,
    alora_invocation_tokens: Value,
) -> str:
    """Which of its settings changes the count in a way not written down here; empty if none."""
    if outline.callee is not None and "AdaLora" in outline.callee:
        return "AdaLoRA changes its ranks while it trains"
    if isinstance(init_lora_weights, Known) and str(init_lora_weights.value).lower() == "mica":
        return "MiCA freezes one of the adapter's two matrices"
    for each in (
        layer_replication,
        ensure_weight_tying,
        use_bdlora,
        arrow_config,
        kasa_config,
        monteclora_config,
        velora_config,
        megatron_config,
        alora_invocation_tokens,
    ):
        if isinstance(each, Known | Partial) and _is_on(each):
            return f"an adapter with {each.setting.key} is not counted"
    return ""


def _is_on(given: Known | Partial) -> bool:
    return isinstance(given, Partial) or given.value not in (None, False)
