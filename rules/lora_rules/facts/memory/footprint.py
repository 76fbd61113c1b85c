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
from lora_rules.engine.value import Absent, Known, Unknown, Value, certainly
from lora_rules.facts.model.architecture import Architecture

NF4_BYTES = 0.5 + 4 / 64
"""Bytes a weight of NF4 with float32 absmax for blocks of 64."""
NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes a weight of NF4 with the absmax quantized to 8 bits, in blocks of 256."""

ADAM = frozenset(
    ["adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw_torch_npu_fused", "adamw_apex_fused"]
)
ADAM_8BIT = frozenset(["adamw_8bit", "adamw_bnb_8bit", "ademamix_8bit"])
"""Names of ``optim`` in transformers; AdEMAMix keeps more than Adam, never less."""

_NOT_GIVEN = Absent("it is not given")


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
    framework: Behaviour | None = None,
    quant_method: Value = _NOT_GIVEN,
    bnb_4bit_use_double_quant: Value = _NOT_GIVEN,
    dtype: Value = _NOT_GIVEN,
    autocast_adapter_dtype: Value = _NOT_GIVEN,
    optim: Value = _NOT_GIVEN,
) -> Footprint:
    """The least that the run needs on a GPU that holds the whole model.

    Precision and optimizer are read leniently: where they are not known, the smaller counts; and an
    adapter that cannot be counted counts for nothing.

    Raises:
        Unknown: if the base is quantized in a way that is not counted here.
    """
    if quantizes_otherwise(quant_method):
        raise Unknown("quant_method may quantize the base in a way that is not counted")
    if architecture.uncounted:
        raise Unknown(f"what a checkpoint stored as {architecture.uncounted} takes is not counted")
    nf4 = _nf4_weights(architecture, NF4_DOUBLE_BYTES)
    if load_in_4bit or architecture.prequantized:
        plain = certainly(bnb_4bit_use_double_quant, False)
        weights = _nf4_weights(architecture, NF4_BYTES if plain else NF4_DOUBLE_BYTES)
    elif load_in_8bit:
        weights = 2 * architecture.parameters - _quantizable(architecture)
    else:
        weights = architecture.parameters * (4 if _is_float32(dtype) else 2)
    width = 4 if _adapters_are_float32(framework, autocast_adapter_dtype) else 2
    return Footprint(
        parameters=architecture.parameters,
        trainable=trainable_parameters,
        weights=weights - _offloaded(architecture, framework),
        adapters=width * trainable_parameters,
        gradients=width * trainable_parameters,
        optimizer=_optimizer_bytes(optim, width) * trainable_parameters,
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


def quantizes_otherwise(quant_method: Value) -> bool:
    """Whether something quantizes, or may, that ``load_in_4bit`` and ``load_in_8bit`` do not say.

    bitsandbytes' own name says nothing beside them: what it does is in the number of bits.
    """
    if isinstance(quant_method, Known):
        return quant_method.value not in (None, False, "", "none", "bnb", "bitsandbytes")
    return not isinstance(quant_method, Absent)


def _is_float32(dtype: Value) -> bool:
    """Whether float32 weights are written; a default may differ between versions."""
    if not isinstance(dtype, Known) or not dtype.setting.written:
        return False
    return str(dtype.value).removeprefix("torch.") in {"float32", "fp32", "float"}


def _adapters_are_float32(framework: Behaviour | None, autocast: Value) -> bool:
    if framework is None or not framework.direct:
        return False
    return isinstance(autocast, Absent) or certainly(autocast, True)


def _optimizer_bytes(optim: Value, width: int) -> int:
    if not isinstance(optim, Known) or not isinstance(optim.value, str):
        return 0
    name = optim.value.lower()
    if name in ADAM:
        return 2 * width
    return 2 if name in ADAM_8BIT else 0
