"""Fact ``lora_variants``: which settings ask for another layer than plain LoRA's.

PEFT 0.21.2 builds a layer as exactly one of these (``peft/tuners/lora/layer.py``).
"""

from __future__ import annotations

from lora_rules.engine.value import Known, Partial, Value

VARIANTS = (
    "use_dora",
    "arrow_config",
    "use_bdlora",
    "alora_invocation_tokens",
    "velora_config",
    "monteclora_config",
    "kasa_config",
)
"""The settings, of which a layer can have one."""


def lora_variants(
    use_dora: Value,
    arrow_config: Value,
    use_bdlora: Value,
    alora_invocation_tokens: Value,
    velora_config: Value,
    monteclora_config: Value,
    kasa_config: Value,
) -> tuple[str, ...]:
    """The settings that are certainly on, in the order of :data:`VARIANTS`."""
    values = (
        use_dora,
        arrow_config,
        use_bdlora,
        alora_invocation_tokens,
        velora_config,
        monteclora_config,
        kasa_config,
    )
    return tuple(name for name, value in zip(VARIANTS, values, strict=True) if is_chosen(value))


def is_chosen(value: Value) -> bool:
    """Whether a setting is certainly on: PEFT asks for its truth.

    A configuration object of which nothing is written (``KasaConfig()``) is read as ``{}``.
    """
    if isinstance(value, Known):
        return value.value not in (None, False, "", [])
    return isinstance(value, Partial)
