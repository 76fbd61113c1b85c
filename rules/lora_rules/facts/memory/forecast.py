"""The forecast: how much GPU memory a LoRA run needs at its highest moment, and for what.

    >>> forecast(Step(shape_of(config), uniform(16, ["q_proj", "v_proj"]), Loop(), 2, 2048))
    Forecast(allocated=…, moment="loss", …)

A training step is a few moments that can be the highest; the forecast is the highest of them. All
that is there at every moment is *persistent*; the rest belongs to the moment.
"""

from __future__ import annotations

from collections.abc import Mapping

from lora_rules.engine._startup.record import record
from lora_rules.engine.trainer import Checkpointing
from lora_rules.facts.memory import activations, backward, loss
from lora_rules.facts.memory.allocator import LEFTOVER, Device, workspace
from lora_rules.facts.memory.band import Band, Factors, band
from lora_rules.facts.memory.optimizer import find_optimizer
from lora_rules.facts.memory.shape import Block
from lora_rules.facts.memory.sharding import Local, Sharding, local
from lora_rules.facts.memory.slack import reserved_bytes
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.weights import autocast_copies

ONE_GPU = Sharding()
ANY_DEVICE = Device()


@record(frozen=True)
class Forecast:
    """Bytes on the GPU that needs most. Whole numbers of bytes, as floats."""

    persistent: Mapping[str, float]
    """What is there all the time, in the order in which a reader wants it."""
    moments: Mapping[str, Mapping[str, float]]
    """What each moment adds, by what takes it."""
    moment: str
    """The highest moment."""
    allocated: float
    """``torch.cuda.max_memory_allocated``."""
    reserved: float
    """``torch.cuda.max_memory_reserved``: with the allocator's slack."""
    context: float
    """Bytes of the CUDA context, which nothing of torch counts."""
    band: Band
    """Where the truth was, in validation."""
    condition: str
    """Under which condition it takes so much."""

    @property
    def parts(self) -> dict[str, float]:
        """Everything there at the highest moment, adding up to ``allocated``."""
        return self.at(self.moment)

    def at(self, moment: str) -> dict[str, float]:
        """Everything there at a moment; what is there all the time may be more then."""
        found = dict(self.persistent)
        for name, size in self.moments[moment].items():
            found[name] = found.get(name, 0.0) + size
        return {name: size for name, size in found.items() if size}

    @property
    def process(self) -> float:
        """What ``nvidia-smi`` shows: reserved and context."""
        return self.reserved + self.context

    def peak(self, moment: str) -> float:
        """Bytes allocated at a moment."""
        return sum(self.persistent.values()) + sum(self.moments[moment].values())


def forecast(
    step: Step,
    *,
    optimizer: str = "adamw_torch_fused",
    accumulation: int = 1,
    sharding: Sharding = ONE_GPU,
    device: Device = ANY_DEVICE,
    lengths_known: bool = True,
    factors: Factors | None = None,
) -> Forecast:
    """The memory of one training step.

    Args:
        step: model, adapter, loop, and the micro batch of one GPU.
        optimizer: ``optim`` of transformers.
        accumulation: micro steps an optimizer step; above 1 gradients are there all the time.
        sharding: how GPUs share the run.
        device: what depends on the card.
        lengths_known: every batch has exactly ``step.length`` tokens (packing, fixed padding);
            else it is the longest that there may be, and the band says so.
        factors: the band's, where the usual ones were not found on runs of this kind.

    Raises:
        Unknown: if the optimizer is not known.
        ValueError: if a size is below 1.
    """
    if accumulation < 1:
        raise ValueError(f"{accumulation} micro steps make no optimizer step")
    found = find_optimizer(optimizer)
    here = local(step.shape, step.adapter, step.loop, found, sharding)
    persistent = _persistent(step, here, accumulation, device)
    mask = activations.mask(step)
    moments = {
        "loss": {**_loss(step, here), **mask},
        "backward": {**_backward(step, here, accumulation), **mask},
        "optimizer": _optimizer(step, here, accumulation, found.foreach),
    }
    moment = max(moments, key=lambda name: sum(moments[name].values()))
    allocated = sum(persistent.values()) + sum(moments[moment].values())
    reserved = reserved_bytes(step, allocated, moments["loss"], moments["backward"], sharding)
    return Forecast(
        persistent=persistent,
        moments=moments,
        moment=moment,
        allocated=allocated,
        reserved=reserved,
        context=float(device.context),
        band=band(
            allocated, reserved, lengths_known=lengths_known, sharding=sharding, factors=factors
        ),
        condition=_condition(step, lengths_known),
    )


def _condition(step: Step, lengths_known: bool) -> str:
    size = f"{step.batch} x {step.length} tokens"
    return f"every batch has {size}" if lengths_known else f"if a batch reaches {size}"


def _persistent(step: Step, here: Local, accumulation: int, device: Device) -> dict[str, float]:
    parts = {
        "weights": here.weights,
        "gathered weights": here.gathered,
        "adapters": here.adapters,
        "optimizer states": here.optimizer,
        "gradients": here.gradients if accumulation > 1 else 0.0,
        "workspace": float(workspace(device)),
        "left over from loading": float(LEFTOVER[step.loop.quantization != "none"]),
    }
    return {name: size for name, size in parts.items() if size}


def _kept(step: Step, here: Local) -> dict[str, float]:
    """What is kept for the backward pass of all layers on this GPU."""
    if step.loop.checkpointing is Checkpointing.OFFLOADED:
        return {"checkpoints": activations.checkpoint(step)}
    layers = step.shape.layers * here.layers
    if step.loop.checkpointing is Checkpointing.FULL:
        hidden = sum(
            block.count * here.layers * activations.hidden_from_checkpointing(step, block)
            for block in step.shape.blocks
        )
        kept = {"inputs of int8 layers": hidden} if hidden else {}
        return {"checkpoints": layers * activations.checkpoint(step), **kept}
    saved: dict[str, float] = {}
    for block in step.shape.blocks:
        count = block.count * here.layers
        for name, size in activations.saved_by_layer(step, block).items():
            saved[name] = saved.get(name, 0.0) + count * size
        copies = count * autocast_copies(block, step.loop)
        saved["weight copies"] = saved.get("weight copies", 0.0) + copies
    for name, size in activations.spared_by_first_layer(step, step.shape.blocks[0]).items():
        saved[name] -= size
    return {f"kept by {name}": size for name, size in saved.items() if size}


def _cached(step: Step, here: Local) -> dict[str, float]:
    """Autocast's 16-bit copies of float32 adapters, from the forward pass to the backward's end."""
    if step.loop.autocast is None or step.adapter_bytes == 2:
        return {}
    return {"adapter copies": here.adapters / 2}


def _loss(step: Step, here: Local) -> dict[str, float]:
    parts = {
        **_kept(step, here),
        **_cached(step, here),
        "last norm": activations.final_norm(step),
        "head copy": loss.head_copy(step),
        "logits": loss.loss_peak(step),
    }
    return {name: size for name, size in parts.items() if size}


def _backward(step: Step, here: Local, accumulation: int) -> dict[str, float]:
    """The highest moment of the layers' backward pass.

    Without checkpointing that is the last layer's, or the last norm's before it. With it, a layer
    runs forward again and keeps everything for a moment. Either way the first layer's may be
    higher, when all gradients are there and nothing else is kept any more.
    """
    held = {"held logits": loss.held_logits(step)} if loss.held_logits(step) else {}
    always = {**_cached(step, here), **held}
    saved, need = max((_one_layer(step, block) for block in step.shape.blocks), key=sum)
    gradients = 0.0 if accumulation > 1 else here.gradients
    kept = _kept(step, here)
    first: dict[str, float] = {
        "gradients": gradients,
        "one layer's activations": saved,
        "one layer's backward": need,
    }
    if step.loop.checkpointing is Checkpointing.NONE:
        norm = activations.final_norm(step) + backward.final_norm_backward(step)
        last = {**kept, "one layer's backward": max(need, norm)}
    else:
        last = {**kept, "one layer's activations": saved, "one layer's backward": need}
        first = {"checkpoints": activations.checkpoint(step), **first}
    parts = {**(first if _total(first) > _total(last) else last), **always}
    return {name: size for name, size in parts.items() if size}


def _one_layer(step: Step, block: Block) -> tuple[float, float]:
    """What one layer keeps for itself, and what its backward pass needs on top."""
    saved = _total(activations.saved_by_layer(step, block))
    return saved + autocast_copies(block, step.loop), backward.transient(step, block)


def _total(parts: Mapping[str, float]) -> float:
    return sum(parts.values())


def _optimizer(step: Step, here: Local, accumulation: int, foreach: bool) -> dict[str, float]:
    lists = (0 if accumulation > 1 else 1) + (1 if foreach else 0)
    return {"gradients": lists * here.gradients, "held logits": loss.held_logits(step)}
