"""How a trainer trains, as far as memory depends on it: one typed interface with defaults.

A trainer runs the steps: transformers' Trainer, TRL's, or a framework's own.
``libraries/<name>/trainer.py`` or ``frameworks/<name>/trainer.py`` overrides what is its own in a
class ``Trainer`` (:func:`lora_rules.frameworks.trainer_named`).
"""

from __future__ import annotations

from enum import Enum

from lora_rules.engine._startup.typed import TYPE_CHECKING, NamedTuple
from lora_rules.engine.version_range import VersionRange

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Written


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


class Checkpointing(Enum):
    """What is kept of a layer between forward and backward pass."""

    NONE = "none"
    """Everything that autograd saves."""
    FULL = "full"
    """Only the layer's input (``gradient_checkpointing``)."""
    OFFLOADED = "offloaded"
    """Not even that: it waits in the host's memory (Unsloth, axolotl's ``offload``)."""


class OwnLoop(NamedTuple):
    """A training loop that a trainer describes by its own keys, with nothing left to assume."""

    dtype: str
    """``bf16`` or ``fp32``: of the base, of the adapter, and of the computation."""
    quantization: str
    checkpointing: Checkpointing
    attention: str
    liger: bool
    cut: bool
    notes: tuple[str, ...] = ()
    """What was assumed."""


class Adapted(NamedTuple):
    """What a trainer adapts that names its targets by keys of its own."""

    modules: tuple[str, ...]
    """As transformers names them."""
    head: bool
    """The output head too."""


class TrainerBehaviour:
    """Whose steps run, as far as memory depends on it. The defaults are transformers' Trainer's."""

    label: str = "transformers"
    """What a sentence calls it."""
    classes: frozenset[str] = frozenset()
    """The classes, with their package, whose loop this is."""
    versioned: bool = False
    """Its version is that of a package whose pin is read (:mod:`lora_rules.facts.versions`)."""
    loss_path: LossPath = LossPath.TRAINER
    """Who computes the loss when nothing is switched on."""
    loads_models: bool = False
    """It loads a model of which it is given the name."""
    checkpoints: bool = False
    """Gradient checkpointing is on unless something else is written."""
    offloads_checkpoints: bool = False
    """Its checkpoints wait in the host's memory, where sequences are long."""
    double_quantizes: bool = False
    """Double quantization is on unless something else is written."""
    bf16_by_default: bool = False
    """It trains in bfloat16 unless something else is written."""
    adapter_dtype: str | None = None
    """``fp32`` where it casts the adapter itself."""
    prepares_kbit: bool | None = None
    """Whether it calls ``prepare_model_for_kbit_training``; ``None`` depends on the version."""
    attention: str = ""
    """The attention that it brings, whatever is written."""
    padded: bool | None = None
    """Whether its batches are padded; ``None`` depends on the attention."""
    fuses_kernels: bool = False
    """It has kernels for norms and MLPs that keep less of a layer than is counted."""
    notes: tuple[str, ...] = ()
    """What its forecast leaves out, in sentences."""
    caps_logits: bool = True
    """Its loss over capped logits (Gemma 2) is modelled."""
    falls_back_to_fp16: bool = False
    """It takes float16 where the card has no bfloat16."""
    one_precision: bool = False
    """One dtype is that of the base, of the adapter and of the computation."""
    raises_experts: bool = False
    """It makes fused experts float32 and the rest 16 bit again when it prepares for k bits."""
    cuts_loss: bool = False
    """Its loss without logits is cut cross-entropy, not Liger's."""
    loss_switch: str = "`use_liger_kernel=True`"
    """How it is told to compute the loss without all logits."""
    band: str = ""
    """The factors of :mod:`lora_rules.facts.memory.band` that were measured on its runs."""
    own_kernels: bool = False
    """It runs other kernels than those that the simulator and the formulas know."""
    joins_rows: bool = False
    """Packing and ``padding_free`` make one row of the whole batch, unless wrapped."""
    joins_rows_with_flash: bool = False
    """Packing does, with a flash kernel; with another one it keeps rows and a mask."""
    simulated_loss: str = ""
    """The simulator's own loss for it, where all logits are there."""
    offloading_words: frozenset[str] = frozenset({"offload"})
    """Values of ``gradient_checkpointing`` with which checkpoints wait in the host's memory."""
    long_offloading_words: frozenset[str] = frozenset({"unsloth"})
    """The same, for sequences of 512 tokens or more (Unsloth's ``models/_utils.py``)."""

    def __init__(self, name: str) -> None:
        """Of the trainer of that name, which is its folder's."""
        self.name = name

    def loss(self, version: VersionRange, *, liger: bool, cut: bool) -> tuple[LossPath, bool]:
        """Who computes the loss, and whether that rests on the version.

        Args:
            version: those that may be installed; with no upper end the newest known counts.
            liger: Liger's loss is switched on.
            cut: cut cross-entropy is switched on.
        """
        if liger or cut:
            return (LossPath.LIGER if liger else LossPath.CUT), False
        return self.loss_path, True

    def loads_float32(self, version: VersionRange) -> bool:
        """Whether a model of which it is given the name is loaded in float32 without a dtype."""
        return False

    def prepares(self, version: VersionRange) -> bool:
        """Whether it calls ``prepare_model_for_kbit_training`` for a quantized base."""
        return False

    def adapter_over_quantized(self, version: VersionRange) -> str:
        """The precision of the adapter over a quantized base; PEFT alone makes float32."""
        return "fp32"

    def own_loop(
        self, keys: Written, *, dtype: str, checkpoints: bool, four_bit: bool
    ) -> OwnLoop | None:
        """The loop by keys of its own; ``None`` if settings say it, as they do for most.

        Args:
            keys: those of the file.
            dtype: that of the setting; empty if it is not known.
            checkpoints: gradient checkpointing is on.
            four_bit: the base is loaded in 4 bits.

        Raises:
            Unknown: if something about it is not modelled.
        """
        return None

    def adapted(self, keys: Written) -> Adapted | None:
        """What it adapts, where keys of its own say so; ``None`` if PEFT's settings do.

        Raises:
            Unknown: if they are not known.
        """
        return None

    def optimizer(self, name: str, keys: Written) -> str:
        """An optimizer by transformers' name."""
        return name
