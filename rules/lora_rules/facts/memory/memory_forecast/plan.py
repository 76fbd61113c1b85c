"""A run as the forecast takes it, and the forecast on a card."""

from __future__ import annotations

from enum import Enum

from lora_rules.engine._startup.record import record, replace
from lora_rules.engine.trainer import Checkpointing, LossPath
from lora_rules.facts.memory import band
from lora_rules.facts.memory.adapter import Adapter
from lora_rules.facts.memory.allocator import T4, Device
from lora_rules.facts.memory.band import UNMEASURED, Factors
from lora_rules.facts.memory.forecast import ONE_GPU, Forecast, forecast
from lora_rules.facts.memory.gpu import Gpu
from lora_rules.facts.memory.loop import Assumed, Known, derive_loop
from lora_rules.facts.memory.shape import Shape
from lora_rules.facts.memory.sharding import Sharding
from lora_rules.facts.memory.step import Step
from lora_rules.facts.memory.verdict import Verdict, verdict


class Outlook(Enum):
    """Whether a run fits a card, as far as the forecast's band lets us tell."""

    FITS = "fits"
    """Even at the band's high end it is below the verdict's first threshold."""
    TIGHT = "tight"
    """The threshold lies inside the band."""
    NO = "no"
    """Even at the band's low end it is above it."""


@record(frozen=True)
class Plan:
    """Everything that the forecast of one run needs, whichever the GPU."""

    known: Known
    shape: Shape
    adapter: Adapter
    batch: int
    length: int
    accumulation: int
    optimizer: str
    packed: bool
    """Sequences are packed, so that batches are as long as they may be."""
    keeps_quantized_inputs: bool
    said: tuple[str, ...]
    """What was assumed while the recipe was read."""
    sharding: Sharding = ONE_GPU
    quantizes_experts: bool = False
    """Fused experts are quantized too (axolotl's ``quantize_moe_experts``)."""

    def assumed(self, gpu: Gpu | None) -> Assumed:
        """The loop on a card, and what was assumed about it.

        A batch of one sequence needs no padding, so transformers drops its mask.
        """
        unmasked = self.known.attention.startswith("flash") or (self.batch == 1 and not self.packed)
        padded = False if unmasked else self.known.padded
        found = derive_loop(replace(self.known, padded=padded, modern_gpu=capability(gpu) >= 8))
        loop = replace(
            found.loop,
            keeps_quantized_inputs=self.keeps_quantized_inputs,
            quantizes_experts=self.quantizes_experts,
            raised_experts=self._raises_experts,
        )
        return Assumed(loop, (*self.said, *found.assumptions))

    @property
    def _raises_experts(self) -> bool:
        """Whether the trainer prepares for k bits; it does not where weights are gathered."""
        quantized = self.known.quantization != "none" and not self.quantizes_experts
        return self.known.behaviour.raises_experts and quantized and not self.sharding.whole

    @property
    def full_logits(self) -> bool:
        """Whether the loop holds all logits at once, though it need not."""
        return self.assumed(None).loop.loss is LossPath.TRAINER

    @property
    def needs_bf16(self) -> bool:
        """Whether the card has to compute in bfloat16."""
        trainer = self.known.behaviour
        if trainer.falls_back_to_fp16:
            return False
        return self.known.autocast == "bf16" or (
            trainer.one_precision and self.known.dtype == "bf16"
        )

    @property
    def factors(self) -> Factors | None:
        """The band's factors, where the usual ones were not found on runs of this kind."""
        measured = self.sharding.strategy in ("none", "fsdp", "zero3")
        name = self.known.behaviour.band
        own: Factors | None = getattr(band, name) if name else None
        if not measured or self.shape.expert_parameters or self.known.quantization == "int8":
            return own if own is not None and own.allocated > UNMEASURED.allocated else UNMEASURED
        return own

    def on(self, gpu: Gpu | None) -> Forecast:
        """The forecast on a card; without one, on any of compute capability 8 to 8.9.

        The narrow band is for runs of which nothing is assumed, the wide one for all others.
        """
        assumed = self.assumed(gpu)
        return forecast(
            Step(self.shape, self.adapter, assumed.loop, self.batch, self.length),
            optimizer=self.optimizer,
            accumulation=self.accumulation,
            sharding=self.sharding,
            device=device_of(gpu),
            lengths_known=self.packed and not assumed.assumptions,
            factors=self.factors,
        )

    def with_checkpointing(self) -> Plan:
        """The same run with gradient checkpointing."""
        return replace(self, known=replace(self.known, checkpointing=Checkpointing.FULL))

    def without_checkpointing(self) -> Plan:
        """The same run that keeps everything."""
        return replace(self, known=replace(self.known, checkpointing=Checkpointing.NONE))

    def with_attention(self, implementation: str) -> Plan:
        """The same run with another attention."""
        return replace(self, known=replace(self.known, attention=implementation))


@record(frozen=True)
class MemoryForecast:
    """The forecast of a recipe, on the declared GPU if there is one."""

    plan: Plan
    forecast: Forecast
    assumptions: tuple[str, ...]
    switch: str
    """How this framework switches a loss on that never holds all logits."""
    checkpointing_written: bool = False
    """Somebody asked for gradient checkpointing; it is no framework's default."""

    @property
    def full_logits(self) -> bool:
        """Whether all logits are there at once, though they need not be."""
        return self.plan.full_logits

    def cannot(self, gpu: Gpu) -> bool:
        """Whether the forecast is outside its band too large for a card."""
        return outlook(self.forecast, gpu) is Outlook.NO

    def fits(self, found: Forecast, gpu: Gpu) -> bool:
        """Whether another forecast of this run fits a card even at the band's high end."""
        return outlook(found, gpu) is Outlook.FITS

    @property
    def when(self) -> str:
        """The condition as the start of a sentence's clause."""
        condition = self.forecast.condition
        return condition if condition.startswith("if") else f"when {condition}"

    @property
    def logits(self) -> float:
        """Bytes of logits and loss at the highest moment."""
        parts = self.forecast.parts
        return sum(parts.get(name, 0.0) for name in ("logits", "held logits", "head copy"))


def outlook(found: Forecast, gpu: Gpu) -> Outlook:
    """What to expect on a card.

    A "no" takes the card at the high end of what torch reports, a "fits" at the low end, so that
    drivers do not decide.
    """
    if verdict(found.band.low, gpu.most, found.context) is not Verdict.FITS:
        return Outlook.NO
    fits = verdict(found.band.high, gpu.usable, found.context) is Verdict.FITS
    return Outlook.FITS if fits else Outlook.TIGHT


def device_of(gpu: Gpu | None) -> Device:
    """What depends on the card: cuBLAS's workspace, and the CUDA context."""
    if gpu is not None and gpu.name == "Tesla T4":
        return T4
    return Device(hopper=capability(gpu) >= 9)


def capability(gpu: Gpu | None) -> float:
    """CUDA's compute capability; what has none is taken as 8."""
    found = gpu.capability if gpu is not None else None
    return float(found) if found and found.replace(".", "").isdecimal() else 8.0
