"""Quantized linear layers of bitsandbytes around fake weights.

bitsandbytes quantizes on the GPU while transformers loads. Here only the result is made: its own
modules, whose ``forward`` and ``backward`` then run as they are.
"""

from __future__ import annotations

import bitsandbytes as bnb
import torch
from bitsandbytes.functional import QuantState
from torch import nn

from lora_launch.simulator.history import Category
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.run import SimulatedRun
from lora_launch.simulator.tape import Tape

BLOCK = 64
"""Weights that share one absmax: bitsandbytes' default (Dettmers et al. 2023, section 3)."""
NESTED_BLOCK = 256
"""Absmax values that share one scale under double quantization."""


def _state(shape: torch.Size, run: SimulatedRun, dtype: Opaque) -> QuantState:
    """What bitsandbytes keeps beside a packed weight."""
    blocks = -(-shape.numel() // BLOCK)
    known: dict[str, Opaque] = {
        "shape": shape,
        "code": torch.empty(16),
        "blocksize": BLOCK,
        "quant_type": run.quantization,
        "dtype": dtype,
    }
    if not run.double_quantization:
        return QuantState(absmax=torch.empty(blocks), **known)
    nested = QuantState(
        absmax=torch.empty(-(-blocks // NESTED_BLOCK)),
        code=torch.empty(256),
        blocksize=NESTED_BLOCK,
        dtype=torch.float32,
    )
    absmax = torch.empty(blocks, dtype=torch.uint8)
    return QuantState(absmax=absmax, offset=torch.empty(()), state2=nested, **known)


def _state_tensors(state: QuantState) -> list[Opaque]:
    nested = state.state2
    own = [state.absmax, state.code, state.offset]
    more = [] if nested is None else [nested.absmax, nested.code]
    return [one for one in own + more if one is not None]


def four_bit(linear: Opaque, run: SimulatedRun) -> tuple[Opaque, list[Opaque]]:
    """A ``Linear4bit`` in the place of ``linear``, and every tensor that it keeps."""
    compute = getattr(torch, run.compute_dtype)
    made = bnb.nn.Linear4bit.__new__(bnb.nn.Linear4bit)
    nn.Module.__init__(made)
    made.in_features, made.out_features = linear.in_features, linear.out_features
    made.bias = linear.bias
    made.compute_dtype, made.compute_type_is_set = compute, True
    made.quant_storage = torch.uint8
    made.support_avx512bf16_for_cpu = False
    state = _state(linear.weight.shape, run, linear.weight.dtype)
    packed = torch.empty(((linear.weight.numel() + 1) // 2, 1), dtype=torch.uint8)
    # A fake tensor cannot be a Params4bit; bitsandbytes asks only for these attributes.
    weight = nn.Parameter(packed, requires_grad=False)
    weight.blocksize, weight.compress_statistics = BLOCK, run.double_quantization
    weight.quant_type, weight.quant_state = run.quantization, state
    weight.quant_storage, weight.bnb_quantized, weight.module = torch.uint8, True, made
    made.weight, made.quant_state = weight, state
    return made, [weight, *_state_tensors(state)]


def eight_bit(linear: Opaque, _run: SimulatedRun) -> tuple[Opaque, list[Opaque]]:
    """A ``Linear8bitLt`` in the place of ``linear``, and every tensor that it keeps.

    The threshold of 6 that splits off outlier columns depends on the data; none is split here.
    """
    made = bnb.nn.Linear8bitLt.__new__(bnb.nn.Linear8bitLt)
    nn.Module.__init__(made)
    made.in_features, made.out_features = linear.in_features, linear.out_features
    made.bias = linear.bias
    made.index = None
    made.state = bnb.MatmulLtState()
    made.state.threshold = 0.0
    made.state.has_fp16_weights = False
    weight = nn.Parameter(torch.empty(linear.weight.shape, dtype=torch.int8), requires_grad=False)
    scales = torch.empty(linear.out_features, dtype=torch.float32)
    made.weight = weight
    made.state.CB, made.state.SCB = weight.data, scales
    weight.CB, weight.SCB = weight.data, scales
    return made, [weight, scales]


def quantize(model: Opaque, run: SimulatedRun) -> dict[str, list[Opaque]]:
    """Replace the linear layers that transformers would, all but the output head.

    ``replace_with_bnb_linear`` takes modules whose type is exactly ``nn.Linear``: fused experts of
    transformers 5 are plain parameters and stay as they are.

    Returns:
        The tensors of each replaced module, by its name.
    """
    head = model.get_output_embeddings()
    made = {}
    replace = eight_bit if run.quantization == "int8" else four_bit
    for name, module in list(model.named_modules()):
        if type(module) is nn.Linear and module is not head:
            new, tensors = replace(module, run)
            model.set_submodule(name, new)
            made[name] = tensors
    model.is_loaded_in_4bit = run.quantization != "int8"
    model.is_loaded_in_8bit = run.quantization == "int8"
    return made


def load_quantized(tape: Tape, tensors: list[Opaque], weights: int, element: int) -> None:
    """A weight on its way: on the GPU in 16 bits, quantized there, the 16 bits dropped."""
    whole = tape.hold(weights * element, Category.WEIGHTS, "load")
    for tensor in tensors:
        tape.adopt(tensor, Category.WEIGHTS)
    tape.release(whole)
