"""Fact ``footprint``: bytes of GPU memory that a run needs at the very least.

A lower bound that is certainly true: only what must be on the GPU together when the optimizer
steps. Activations, logits, the CUDA context, workspaces and fragmentation come on top.

=============  ====================================================================================
weights        16-bit: 2 bytes a parameter (4 when ``float32`` is written). A tied head once.
weights, NF4   Each weight of a linear layer inside a decoder layer takes half a byte, and each
               block of 64 one absmax: 4 bytes plain, or with double quantization 1 byte, plus 4
               bytes for each 256 blocks. So 0.5 + 4/64 = 0.5625 or 0.5 + 1/64 + 4/16384 = 0.51587
               bytes (4.127 bits) (Dettmers et al. 2023, section 3). Embedding, head, norms and
               biases stay at 2 bytes.
weights, int8  1 byte for those weights (Dettmers et al. 2022); the rest stays at 2 bytes.
experts        As linear layers. transformers 5 leaves fused experts at 2 bytes (LL610), but its
               version 4, axolotl and ready-made checkpoints do not, and this is a lower bound.
adapters       4 bytes a parameter where PEFT makes them: ``get_peft_model`` casts the adapters of a
               16-bit base to float32 (``autocast_adapter_dtype=True``); elsewhere 2.
gradients      As many as the adapters: one each, in the adapter's precision.
optimizer      Adam keeps two numbers a parameter in the adapter's precision; its 8-bit form keeps
               them in 1 byte each. A paged optimizer may live in the host's memory: 0. Any other,
               or none known: 0.
=============  ====================================================================================
"""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.engine.behaviour import Behaviour
from lora_rules.engine.value import Unknown
from lora_rules.facts.model.architecture import Architecture
from lora_rules.recipe import Recipe

NF4_BYTES = 0.5 + 4 / 64
"""Bytes a weight of NF4 with float32 absmax for blocks of 64."""
NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes a weight of NF4 with the absmax quantized to 8 bits, in blocks of 256."""

ADAM = frozenset(
    ["adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw_torch_npu_fused", "adamw_apex_fused"]
)
ADAM_8BIT = frozenset(["adamw_8bit", "adamw_bnb_8bit", "ademamix_8bit"])
"""Names of ``optim`` in transformers; AdEMAMix keeps more than Adam, never less."""

OTHER_QUANTIZATION = ("quantization_config", "quant_method", "quantization", "quantize")
"""Settings that quantize in ways not counted here, when they are there."""


@record(frozen=True)
class Footprint:
    """Bytes, by what takes them. All of it must fit, and more than that."""

    parameters: int
    """Parameters of the base model, for telling."""
    trainable: int
    """Parameters of the adapter, for telling."""
    weights: int
    adapters: int
    gradients: int
    optimizer: int
    quantized_weights: int
    """What the weights would take as NF4 with double quantization."""
    quantized: bool
    """The base is quantized already, to 4 or 8 bits."""

    @property
    def total(self) -> int:
        """The lower bound."""
        return self.weights + self.adapters + self.gradients + self.optimizer

    @property
    def quantized_total(self) -> int:
        """The lower bound of the same run on an NF4 base with double quantization."""
        return self.total - self.weights + self.quantized_weights


def footprint(
    architecture: Architecture,
    trainable_parameters: int = 0,
    load_in_4bit: bool = False,
    load_in_8bit: bool = False,
    recipe: Recipe | None = None,
    framework: Behaviour | None = None,
) -> Footprint:
    """The least that the run needs on a GPU that holds the whole model.

    Precision and optimizer are read leniently: where they are not known, the smaller counts; and an
    adapter that cannot be counted counts for nothing.

    Raises:
        Unknown: if the base is quantized in a way that is not counted here.
    """
    for name in OTHER_QUANTIZATION:
        if not _is_off(recipe, name):
            raise Unknown(f"{name} may quantize the base in a way that is not counted")
    nf4 = _nf4_weights(architecture, NF4_DOUBLE_BYTES)
    if load_in_4bit or architecture.prequantized:
        plain = _known(recipe, "bnb_4bit_use_double_quant") is False
        weights = _nf4_weights(architecture, NF4_BYTES if plain else NF4_DOUBLE_BYTES)
    elif load_in_8bit:
        weights = 2 * architecture.parameters - _quantizable(architecture)
    else:
        weights = architecture.parameters * (4 if _is_float32(recipe) else 2)
    width = 4 if _adapters_are_float32(recipe, framework) else 2
    return Footprint(
        parameters=architecture.parameters,
        trainable=trainable_parameters,
        weights=weights - _offloaded(architecture, framework),
        adapters=width * trainable_parameters,
        gradients=width * trainable_parameters,
        optimizer=_optimizer_bytes(recipe, width) * trainable_parameters,
        quantized_weights=nf4 - _offloaded(architecture, framework),
        quantized=load_in_4bit or load_in_8bit or architecture.prequantized,
    )


def _quantizable(architecture: Architecture) -> int:
    experts = sum(each.parameters for each in architecture.modules.fused_experts)
    return architecture.linear_parameters + experts


def _nf4_weights(architecture: Architecture, bytes_each: float) -> int:
    linear = _quantizable(architecture)
    return int(linear * bytes_each) + 2 * (architecture.parameters - linear)


def _offloaded(architecture: Architecture, framework: Behaviour | None) -> int:
    """The input embedding, where it may be kept in the host's memory (``offload_embedding``)."""
    movable = framework is not None and framework.offloads_embedding
    return 2 * architecture.embedding_parameters if movable and not architecture.tied else 0


def _known(recipe: Recipe | None, name: str) -> object:
    """The one value of a setting, or ``None``."""
    setting = recipe.settings.get(name) if recipe is not None else None
    return setting.value if setting is not None and setting.known else None


def _is_off(recipe: Recipe | None, name: str) -> bool:
    setting = recipe.settings.get(name) if recipe is not None else None
    return setting is None or (setting.known and setting.value in (None, False, "", "none"))


def _is_float32(recipe: Recipe | None) -> bool:
    """Whether float32 weights are written; a default may differ between versions."""
    for name in ("dtype", "torch_dtype"):
        setting = recipe.settings.get(name) if recipe is not None else None
        if setting is not None and setting.known and setting.written:
            return str(setting.value).removeprefix("torch.") in {"float32", "fp32", "float"}
    return False


def _adapters_are_float32(recipe: Recipe | None, framework: Behaviour | None) -> bool:
    if recipe is None or framework is None or not framework.direct:
        return False
    setting = recipe.settings.get("autocast_adapter_dtype")
    return setting is None or (setting.known and setting.value is True)


def _optimizer_bytes(recipe: Recipe | None, width: int) -> int:
    name = _known(recipe, "optim")
    if not isinstance(name, str):
        return 0
    if name.lower() in ADAM:
        return 2 * width
    return 2 if name.lower() in ADAM_8BIT else 0
