"""The training loop: who computes the loss, and in which precision everything runs.

Nothing moves a forecast more. The same Llama-3.1-8B, 2 x 2048 tokens, LoRA on all linear layers,
needs between 7.6 and 34 GiB depending on what stands in a :class:`Loop` alone
(``docs/memory.md``). Every other estimator fixes one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lora_rules.engine._startup.record import record
from lora_rules.engine.trainer import Checkpointing, LossPath, TrainerBehaviour
from lora_rules.engine.value import Unknown
from lora_rules.frameworks import trainer_named

DTYPES: Mapping[str, int] = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Bytes of an element."""
QUANTIZATIONS = ("none", "nf4", "nf4-dq", "int8")
"""How the linear layers of the base are stored; ``dq`` is double quantization."""


class Attention(Enum):
    """The kernel that computes attention."""

    FLASH = "flash"
    """FlashAttention 2, or what sdpa picks without a mask on compute capability 8 and above."""
    EFFICIENT = "efficient"
    """sdpa's memory-efficient kernel: older cards, or a padding mask. Keys are expanded."""
    EAGER = "eager"
    """Matrix products in Python: the scores of all heads in full."""


@record(frozen=True)
class Loop:
    """Everything about the training loop that moves memory."""

    loss: LossPath = LossPath.TRAINER
    base: str = "bf16"
    """Precision in which the base is loaded, for what is not quantized."""
    quantization: str = "none"
    quantizes_experts: bool = False
    """Fused experts are quantized too; bitsandbytes on transformers 5 leaves them as they are."""
    raised_experts: bool = False
    """It made fused experts float32, and the rest is in 16 bit again (axolotl)."""
    prepared: bool = False
    """``prepare_model_for_kbit_training`` made what is not quantized float32."""
    adapter: str = "fp32"
    """Precision of the adapter; PEFT makes float32 of 16 bit (``autocast_adapter_dtype``)."""
    autocast: str | None = None
    """``bf16=True`` or ``fp16=True`` of the Trainer; ``None`` for a loop without autocast."""
    attention: Attention = Attention.FLASH
    mask: bool = False
    """Batches are padded, so sdpa gets an additive mask of batch x length x length."""
    checkpointing: Checkpointing = Checkpointing.NONE
    reentrant: bool = False
    """Checkpointing runs the first forward pass without autograd (``use_reentrant``)."""
    keeps_quantized_inputs: bool = False
    """bitsandbytes before 0.44 kept the input of each 4-bit layer (its pull request 1270)."""

    def __post_init__(self) -> None:
        """Refuse what no loop can be.

        Raises:
            ValueError: with a sentence that says what is wrong.
        """
        for name, value in (("base", self.base), ("adapter", self.adapter)):
            if value not in DTYPES:
                raise ValueError(f"{name} is {value!r}, not one of {', '.join(DTYPES)}")
        if self.autocast not in (None, "bf16", "fp16"):
            raise ValueError(f"autocast is {self.autocast!r}, not bf16, fp16 or None")
        if self.quantization not in QUANTIZATIONS:
            raise ValueError(
                f"quantization is {self.quantization!r}, not one of {', '.join(QUANTIZATIONS)}"
            )

    @property
    def four_bit(self) -> bool:
        """Whether the linear layers are bitsandbytes' 4-bit ones."""
        return self.quantization in ("nf4", "nf4-dq")

    @property
    def other_bytes(self) -> int:
        """Bytes of an element of what is not quantized: embeddings, head, norms, biases."""
        raised = self.prepared and self.quantization != "none"
        return 4 if raised else DTYPES[self.base]


@record(frozen=True)
class Assumed:
    """A loop, and what was assumed about it."""

    loop: Loop
    assumptions: tuple[str, ...]


def parse_loss(name: str) -> LossPath:
    """The loss path of that name.

    Raises:
        Unknown: if there is none.
    """
    try:
        return LossPath(name)
    except ValueError:
        names = ", ".join(path.value for path in LossPath)
        raise Unknown(f"{name!r} is no known loss path; there are {names}") from None


def trainer_by(name: str) -> TrainerBehaviour:
    """How the trainer of a name trains.

    Raises:
        Unknown: if nobody has looked at it.
    """
    try:
        return trainer_named(name)
    except KeyError:
        raise Unknown(f"how {name!r} computes its loss is not known") from None


def loss_path(
    trainer: str, version: tuple[int, ...] | None = None, liger: bool = False, cut: bool = False
) -> tuple[LossPath, str]:
    """Who computes the loss, from what is known of the trainer, and the assumption made.

    Args:
        trainer: its name.
        version: of that trainer; the newest known if it is not given.
        liger: ``use_liger_kernel`` is on, or the loss is compiled.
        cut: cut cross-entropy is on, or the loss takes chunks of logits that are all there.

    Raises:
        Unknown: if nobody has looked at how that trainer computes its loss.
    """
    path, by_version = trainer_by(trainer).loss(version, liger=liger, cut=cut)
    assumed = by_version and not version
    return path, f"the newest known {trainer} is assumed" if assumed else ""


@record(frozen=True)
class Known:
    """What is known of a run; ``None`` is not known, and is then assumed and said."""

    trainer: str
    version: tuple[int, ...] | None = None
    liger: bool = False
    cut: bool = False
    by_name: bool = False
    """The trainer is given the model's name and loads it itself."""
    dtype: str | None = None
    quantization: str = "none"
    prepared: bool | None = None
    adapter: str | None = None
    autocast: str | None = None
    autocast_known: bool = True
    attention: str = "sdpa"
    padded: bool | None = None
    modern_gpu: bool = True
    """Compute capability 8.0 or above: sdpa then has its flash kernel."""
    checkpointing: Checkpointing = Checkpointing.NONE
    reentrant: bool = False

    @property
    def behaviour(self) -> TrainerBehaviour:
        """How that trainer trains.

        Raises:
            Unknown: if nobody has looked at it.
        """
        return trainer_by(self.trainer)


def derive_loop(known: Known) -> Assumed:
    """The loop of a run, and every assumption that went into it.

    Raises:
        Unknown: if the trainer or the attention implementation is not known.
        ValueError: if a precision or a quantization is not one.
    """
    said: list[str] = []
    trainer = trainer_by(known.trainer)
    loss, why = loss_path(known.trainer, known.version, known.liger, known.cut)
    said += [why] if why else []
    dtype = known.dtype
    if dtype is None:
        raised = known.by_name and trainer.loads_float32(known.version)
        dtype = "fp32" if raised else "bf16"
        said.append(f"the base is assumed to be loaded in {dtype}")
    prepared = known.prepared
    if prepared is None:
        prepared = known.quantization != "none" and trainer.prepares(known.version)
        if known.quantization != "none":
            verb = "is" if prepared else "is not"
            said.append(f"prepare_model_for_kbit_training {verb} assumed to be called")
    adapter = known.adapter
    if adapter is None:
        plain = known.quantization == "none"
        adapter = "fp32" if plain else trainer.adapter_over_quantized(known.version)
        said.append(f"the adapter is assumed to be {adapter}")
    padded = known.padded
    if padded is None:
        padded = known.attention == "sdpa"
        said.append("batches are assumed to be padded" if padded else "no mask is assumed")
    if not known.autocast_known:
        said.append("no autocast is assumed")
    return Assumed(
        Loop(
            loss=loss,
            base=dtype,
            quantization=known.quantization,
            prepared=prepared,
            adapter=adapter,
            autocast=known.autocast,
            attention=attention_kernel(known.attention, padded, known.modern_gpu),
            mask=padded and known.attention != "flash_attention_2",
            checkpointing=known.checkpointing,
            reentrant=known.reentrant,
        ),
        tuple(said),
    )


def attention_kernel(implementation: str, padded: bool, modern_gpu: bool = True) -> Attention:
    """The kernel that ``attn_implementation`` ends up with.

    sdpa takes its flash kernel only without a mask and on compute capability 8.0 or above
    (``sdp_utils.cpp`` of torch); otherwise the memory-efficient one.

    Raises:
        Unknown: if there is no such implementation.
    """
    if implementation == "eager":
        return Attention.EAGER
    if implementation == "repeated":
        return Attention.EFFICIENT  # torchtune repeats keys and values before any kernel
    if implementation in ("flash_attention_2", "flash_attention_3", "flash_attention_4"):
        return Attention.FLASH
    if implementation == "sdpa":
        return Attention.EFFICIENT if padded or not modern_gpu else Attention.FLASH
    raise Unknown(f"attn_implementation={implementation!r} is not known here")
