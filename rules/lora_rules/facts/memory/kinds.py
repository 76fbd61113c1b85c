"""How the decoder layers of each ``model_type`` are put together, as far as memory is concerned.

A type that stands here has plain attention and an MLP; norms and activation differ. A type that
does not is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.record import record


@record(frozen=True)
class Kind:
    """How the layers of a ``model_type`` are put together."""

    norms: int = 2
    """Norms of the hidden size in a layer."""
    rms: bool = True
    """RMSNorm, written in Python and computed in float32; else torch's fused LayerNorm."""
    query_key_norm: bool = False
    """Queries and keys are normalized too."""
    residual_dropout: bool = False
    """Dropout on the residual stream that is on by default (OPT's 0.1)."""
    activation: str = "silu"
    """What the configuration class assumes."""


_RMS2, _RMS4 = Kind(), Kind(norms=4)
_LAYER2 = Kind(rms=False, activation="gelu")
_LAYER1 = Kind(norms=1, rms=False, activation="gelu")
_QK2 = Kind(query_key_norm=True)

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ["llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "gemma", "phi3", "granite"], _RMS2
    ),
    **dict.fromkeys(["smollm3", "seed_oss", "helium", "ministral", "arcee"], _RMS2),
    **dict.fromkeys(["qwen3", "qwen3_moe", "olmo2", "olmo3"], _QK2),
    "gemma2": _RMS4,
    "gemma3_text": Kind(norms=4, query_key_norm=True),
    "glm4": _RMS4,
    "olmo": Kind(rms=False),
    "stablelm": Kind(rms=False),
    "starcoder2": _LAYER2,
    "gpt_neox": _LAYER2,
    "bloom": _LAYER2,
    "gpt2": Kind(rms=False, activation="gelu_new"),
    "gpt_bigcode": _LAYER2,
    "opt": Kind(rms=False, residual_dropout=True, activation="relu"),
    "phi": Kind(norms=1, rms=False, activation="gelu_new"),
    "gptj": Kind(norms=1, rms=False, activation="gelu_new"),
    "falcon": _LAYER1,
    "cohere": Kind(norms=1, rms=False),
}
"""By ``model_type``; from transformers 5.23.0's modeling files."""
