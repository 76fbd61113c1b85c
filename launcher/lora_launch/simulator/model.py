"""The real model and the real adapters, on fake tensors, and how they come to the GPU."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig

from lora_launch.simulator.history import Category
from lora_launch.simulator.likeness import FLASH, no_initialization
from lora_launch.simulator.opaque import Opaque
from lora_launch.simulator.quantize import load_quantized, quantize
from lora_launch.simulator.run import BadRun, SimulatedRun
from lora_launch.simulator.tape import Tape


@dataclass(frozen=True, slots=True)
class Built:
    """A model ready to train."""

    model: Opaque
    base: Opaque
    """The transformers model inside."""
    trainable: list[Opaque]
    parameters: int
    """Of the base model."""


def configuration(run: SimulatedRun) -> PreTrainedConfig:
    """The configuration object of the model, its cache off as trainers set it."""
    values = dict(run.model_config)
    kind = values.pop("model_type")
    for name in ("architectures", "transformers_version", "torch_dtype", "dtype", "auto_map"):
        values.pop(name, None)
    values.pop("quantization_config", None)
    values["use_cache"] = False
    try:
        return AutoConfig.for_model(kind, **values)
    except (KeyError, ValueError) as error:
        raise BadRun(f"this transformers knows no model_type {kind!r}") from error


def build(run: SimulatedRun, tape: Tape) -> Built:
    """Make model and adapters, and bring them to the GPU."""
    config = configuration(run)
    attention = FLASH if (run.attention or "").startswith("flash") else run.attention
    wish = {"attn_implementation": attention} if attention else {}
    dtype = getattr(torch, run.dtype)
    with tape.elsewhere(), no_initialization():
        try:
            base = AutoModelForCausalLM.from_config(config, dtype=dtype, **wish)
        except ValueError as error:
            raise BadRun(f"transformers makes no such model: {error}") from error
        except KeyError as error:
            # Some older models choose a class of their own for each implementation.
            raise BadRun(
                f"{config.model_type} has its own code for {run.attention}, which is not simulated"
            ) from error
    parameters = sum(one.numel() for one in base.parameters())
    for one in base.parameters():
        one.requires_grad_(False)
    _load(base, run, tape)
    if run.prepare_kbit:
        _prepare_kbit(base, run, tape)
    model = _adapters(base, run, tape)
    if run.checkpointing is not None:
        reentrant = run.checkpointing == "reentrant"
        base.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": reentrant}
        )
        base.enable_input_require_grads()
    model.train()
    trainable = [one for one in model.parameters() if one.requires_grad]
    if not trainable:
        raise BadRun("nothing would be trained: the adapters match no module")
    return Built(model, base, trainable, parameters)


def _load(base: Opaque, run: SimulatedRun, tape: Tape) -> None:
    """Bring the base model to the GPU.

    Without quantization a trainer moves it there, parameter by parameter in the model's order.
    """
    if run.quantization is not None:
        sizes = {name: one.numel() for name, one in base.named_parameters()}
        with tape.elsewhere():
            quantized = quantize(base, run)
        if run.strategy != "fsdp":
            _load_quantized(base, run, tape, quantized, sizes)
    if run.strategy == "fsdp":
        return
    for parameter in base.parameters():
        tape.adopt(parameter, Category.WEIGHTS)
    for buffer in base.buffers():
        tape.adopt(buffer, Category.WEIGHTS)


def _load_quantized(
    base: Opaque,
    run: SimulatedRun,
    tape: Tape,
    quantized: dict[str, list[Opaque]],
    sizes: dict[str, int],
) -> None:
    """Load as ``from_pretrained`` with a device map does, and quantize on the way.

    ``caching_allocator_warmup`` asks once for as much as all will take, so that what follows comes
    from one segment; then the parameters come one after the other in the order of their names
    (``convert_and_load_state_dict_in_model``).
    """
    weights = dict(base.named_parameters())
    tape.release(
        tape.hold(sum(one.nbytes for one in weights.values()), Category.WEIGHTS, "warm up")
    )
    element = getattr(torch, run.dtype).itemsize
    for name in sorted(weights, key=natural_key):
        tensors = quantized.get(name.removesuffix(".weight"))
        if tensors is not None and name.endswith(".weight"):
            load_quantized(tape, tensors, sizes[name], element)
        else:
            tape.adopt(weights[name], Category.WEIGHTS)


def natural_key(name: str) -> list[tuple[int, Opaque]]:
    """The order of transformers' loader: numbers in a name as numbers, before words."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in name.split(".")]


def _prepare_kbit(base: Opaque, run: SimulatedRun, tape: Tape) -> None:
    """PEFT's own preparation, except that the packed weights are known by their dtype.

    It ends with ``torch.cuda.empty_cache``. Under FSDP the model is not on the GPU yet.
    """
    if run.strategy == "fsdp":
        with tape.elsewhere():
            prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
        return
    with tape.as_(Category.WEIGHTS):
        prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)
    tape.history.empty_cache()


def _adapters(base: Opaque, run: SimulatedRun, tape: Tape) -> Opaque:
    """PEFT's adapters. It makes them on the host and moves them to their layer's device.

    On a 16-bit base they first take its dtype there, and then float32.
    """
    with tape.elsewhere(), no_initialization():
        try:
            model = get_peft_model(
                base,
                LoraConfig(**{"task_type": "CAUSAL_LM", **run.lora}),
                autocast_adapter_dtype=run.autocast_adapter_dtype,
            )
        except (TypeError, ValueError) as error:
            raise BadRun(f"PEFT refuses the adapter: {error}") from error
        if run.adapter_dtype is not None:
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.data = parameter.data.to(getattr(torch, run.adapter_dtype))
    if run.strategy == "fsdp":
        return model
    moved = [one for one in model.parameters() if one.requires_grad]
    first = []
    if run.quantization is None and run.dtype != "float32":
        first = [
            tape.hold(one.numel() * 2, Category.ADAPTERS, "load")
            for one in moved
            if one.element_size() == 4
        ]
    for parameter in moved:
        tape.adopt(parameter, Category.ADAPTERS)
        if first:
            tape.release(first.pop(0))
    return model
