"""The training loop: who computes the loss, and in which precision everything runs.

Nothing moves a forecast more. The same Llama-3.1-8B, 2 x 2048 tokens, LoRA on all linear layers,
needs between 7.6 and 34 GiB depending on what stands in a :class:`Loop` alone
(``docs/memory.md``). Every other estimator fixes one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lora_rules.engine._startup.record import record
from lora_rules.engine.value import Unknown

DTYPES: Mapping[str, int] = {"fp32": 4, "bf16": 2, "fp16": 2}
"""Bytes of an element."""
QUANTIZATIONS = ("none", "nf4", "nf4-dq", "int8")
"""How the linear layers of the base are stored; ``dq`` is double quantization."""


class LossPath(Enum):
    """How logits become a loss; :mod:`lora_rules.facts.memory.loss` has the bytes of each."""

    TRAINER = "trainer"
    """The model's own loss under transformers' Trainer: ``outputs`` is dropped before backward."""
    PLAIN = "plain"
    """The model's own loss in a hand-written loop that still holds ``outputs`` in the backward."""
    CHUNKED = "chunked"
    """TRL's SFTTrainer since 1.7: log-probabilities tile by tile, no full logits."""
    LIGER = "liger"
    """Liger's fused linear cross-entropy (``use_liger_kernel``)."""
    CUT = "cut"
    """Apple's cut cross-entropy (axolotl's plugin, Unsloth): no logits at all."""
    LITGPT = "litgpt"
    """LitGPT: the head in chunks of 128 tokens, then float32 copies of them all."""
    TUNE = "tune"
    """torchtune's ``LinearCrossEntropyLoss``: the head and the loss in 8 chunks."""
    TUNE_OUT = "tune-out"
    """torchtune's ``CEWithChunkedOutputLoss``: all logits, then the loss in 8 chunks."""
    NONE = "none"
    """A loss without a vocabulary, for example of a classifier."""


class Attention(Enum):
    """The kernel that computes attention."""

    FLASH = "flash"
    """FlashAttention 2, or what sdpa picks without a mask on compute capability 8 and above."""
    EFFICIENT = "efficient"
    """sdpa's memory-efficient kernel: older cards, or a padding mask. Keys are expanded."""
    EAGER = "eager"
    """Matrix products in Python: the scores of all heads in full."""


class Checkpointing(Enum):
    """What is kept of a layer between forward and backward pass."""

    NONE = "none"
    """Everything that autograd saves."""
    FULL = "full"
    """Only the layer's input (``gradient_checkpointing``)."""
    OFFLOADED = "offloaded"
    """Not even that: it waits in the host's memory (Unsloth, axolotl's ``offload``)."""


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


BY_TRAINER = {
    "transformers": LossPath.TRAINER,
    "axolotl": LossPath.TRAINER,
    "trl": LossPath.TRAINER,
    "unsloth": LossPath.CUT,
    "litgpt": LossPath.LITGPT,
    "torchtune": LossPath.TUNE,
    "plain": LossPath.PLAIN,
}
"""Who computes the loss when nothing is switched on; TRL's entry is that of versions before 1.7."""


def loss_path(
    trainer: str, version: tuple[int, ...] | None = None, liger: bool = False, cut: bool = False
) -> tuple[LossPath, str]:
    """Who computes the loss, from what is known of the trainer, and the assumption made.

    TRL computes log-probabilities in chunks by default since 1.7 (opt-in from 1.4); before, and in
    transformers' own Trainer, the logits are there in full, as float32 (TRL 1.16's
    ``sft_trainer.py`` and ``kernels/chunked_logprob.py``; accelerate's
    ``convert_outputs_to_fp32``). TRL 1.16 turns Liger's fused loss off in favour of its own.

    Args:
        trainer: ``transformers``, ``trl``, ``axolotl``, ``unsloth``, ``litgpt``, ``torchtune`` or
            ``plain``.
        version: of that trainer; the newest known if it is not given.
        liger: ``use_liger_kernel`` is on, or torchtune's loss is compiled (three runs of its
            README are forecast 0 to 5 % too high that way where checkpointing is on).
        cut: axolotl's ``cut_cross_entropy`` is on, or torchtune's loss takes chunks of logits that
            are all there.

    Raises:
        Unknown: if nobody has looked at how that trainer computes its loss.
    """
    said = "" if version else f"the newest known {trainer} is assumed"
    if trainer == "torchtune":
        return (LossPath.LIGER if liger else LossPath.TUNE_OUT if cut else LossPath.TUNE), said
    if trainer == "trl" and not (version and version < (1, 7)):
        return LossPath.CHUNKED, said
    if liger or cut:
        return (LossPath.LIGER if liger else LossPath.CUT), ""
    if trainer in BY_TRAINER:
        return BY_TRAINER[trainer], said
    raise Unknown(f"how {trainer!r} computes its loss is not known")


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


def derive_loop(known: Known) -> Assumed:
    """The loop of a run, and every assumption that went into it.

    Raises:
        Unknown: if the trainer or the attention implementation is not known.
        ValueError: if a precision or a quantization is not one.
    """
    said: list[str] = []
    loss, why = loss_path(known.trainer, known.version, known.liger, known.cut)
    said += [why] if why else []
    dtype = known.dtype
    if dtype is None:
        dtype = _dtype(known)
        said.append(f"the base is assumed to be loaded in {dtype}")
    prepared = known.prepared
    if prepared is None:
        prepared = _prepares(known)
        if known.quantization != "none":
            verb = "is" if prepared else "is not"
            said.append(f"prepare_model_for_kbit_training {verb} assumed to be called")
    adapter = known.adapter
    if adapter is None:
        adapter = _adapter(known)
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


def _dtype(known: Known) -> str:
    """TRL loads a model of which it is given the name in float32, from 0.27 to 1.16 at least.

    ``create_model_from_path`` (``trainer/utils.py``): ``kwargs.get("dtype", "float32")``; 0.26 has
    ``"auto"`` there, and before it was left to transformers. transformers 5 itself loads what the
    checkpoint holds, 16 bit as a rule.
    """
    recent = not (known.version and known.version < (0, 27))
    return "fp32" if known.trainer == "trl" and known.by_name and recent else "bf16"


def _prepares(known: Known) -> bool:
    """Whether the trainer itself calls ``prepare_model_for_kbit_training``.

    TRL does not since 0.26 (its ``sft_trainer.py`` has no such call). axolotl does and converts
    embeddings, head and norms back to 16 bit (``loaders/model.py``:
    ``_convert_embedding_modules_dtype``), which comes to the same.
    """
    old_trl = known.trainer == "trl" and known.version is not None and known.version < (0, 26)
    return old_trl and known.quantization != "none"


def _adapter(known: Known) -> str:
    """TRL 1.16 makes bf16 of a quantized model's adapter; PEFT alone makes float32."""
    trl = known.trainer == "trl" and not (known.version and known.version < (1, 0))
    return "bf16" if trl and known.quantization != "none" else "fp32"


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
