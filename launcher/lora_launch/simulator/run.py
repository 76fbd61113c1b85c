"""The run to simulate: a record of everything that decides how much memory a rank takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

DTYPES = ("float32", "float16", "bfloat16")
QUANTIZATIONS = (None, "nf4", "fp4", "int8")
CHECKPOINTING = (None, "reentrant", "non-reentrant")
ATTENTION = (None, "eager", "sdpa", "flash_attention_2", "flash_attention_3")
SDPA_KERNELS = (None, "flash", "efficient", "math")
LOSSES = ("model", "trainer", "trl", "trl_fused", "litgpt", "liger", "cut_cross_entropy")
STRATEGIES = (None, "ddp", "fsdp")
OPTIMIZERS = (
    "adamw_torch",
    "adamw_torch_fused",
    "sgd",
    "adagrad",
    "rmsprop",
    "adafactor",
    "adamw_8bit",
    "adamw_bnb_8bit",
    "paged_adamw_8bit",
    "paged_adamw_32bit",
    "paged_adamw",
    "lion_8bit",
    "lion_32bit",
    "paged_lion_8bit",
    "paged_lion_32bit",
    "ademamix",
    "ademamix_8bit",
    "rmsprop_bnb",
    "rmsprop_bnb_8bit",
)
"""Names of transformers' ``optim``; ``optimizer.py`` has the code of each."""
MIB = 2**20


class BadRun(ValueError):
    """A run that cannot be simulated, in a sentence for its author."""


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """One training run, seen from one rank. The field's own names wherever there is one."""

    model_config: Mapping[str, Any]
    """Fields of the model's ``config.json``, ``model_type`` among them."""
    lora: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of ``peft.LoraConfig``."""
    batch: int = 1
    """Sequences of a micro batch on this rank (``per_device_train_batch_size``)."""
    length: int = 2048
    """Tokens of the longest sequence; with ``packing``, of a packed row."""
    dtype: str = "bfloat16"
    """The base model's dtype."""
    autocast: str | None = None
    """Dtype of automatic mixed precision: ``bf16=True`` is ``"bfloat16"``; None without it."""
    adapter_dtype: str | None = None
    """Dtype that the adapters are cast to; None leaves what PEFT makes."""
    autocast_adapter_dtype: bool = True
    """PEFT's argument: adapters of a 16-bit base in float32."""
    quantization: str | None = None
    double_quantization: bool = False
    compute_dtype: str = "bfloat16"
    """``bnb_4bit_compute_dtype``."""
    prepare_kbit: bool = False
    """Whether ``peft.prepare_model_for_kbit_training`` runs (its float32 embeddings and head)."""
    checkpointing: str | None = "non-reentrant"
    attention: str | None = None
    """``attn_implementation``; None leaves transformers its choice: SDPA where a model has it."""
    sdpa_kernel: str | None = None
    """The kernel that SDPA takes; None chooses as torch does, by ``gpu_capability`` and mask."""
    padding: bool = False
    """Whether the batch's mask has zeros, so that transformers builds a 4-D mask."""
    packing: bool = False
    loss: str = "trainer"
    """Who computes the loss: the model in a plain loop, the HF Trainer, TRL before 1.4 (``trl``),
    TRL's fused head, LitGPT's chunks, Liger's fused linear cross-entropy, cut cross-entropy."""
    optimizer: str = "adamw_torch_fused"
    """A name of transformers' ``optim``."""
    accumulation: int = 1
    clip: bool = True
    """Whether gradients are clipped (``max_grad_norm`` above 0)."""
    steps: int = 2
    world_size: int = 1
    strategy: str | None = None
    gpu_total_bytes: int | None = None
    """What ``torch.cuda.mem_get_info`` calls total; None for no verdict."""
    gpu_capability: tuple[int, int] = (8, 0)
    gpu_context_bytes: int = 512 * MIB
    """What the process takes outside the caching allocator: CUDA context and kernels. 141 MiB on a
    T4 under torch 2.10 or later, 0.51 GiB on an A100 under torch 2.1 (research/memory.md)."""

    def __post_init__(self) -> None:
        """Refuse what no part of the simulator knows."""
        self._choose("dtype", DTYPES)
        self._choose("compute_dtype", DTYPES)
        self._choose("autocast", (None, "float16", "bfloat16"))
        self._choose("adapter_dtype", (None, *DTYPES))
        self._choose("quantization", QUANTIZATIONS)
        self._choose("checkpointing", CHECKPOINTING)
        self._choose("attention", ATTENTION)
        self._choose("sdpa_kernel", SDPA_KERNELS)
        self._choose("loss", LOSSES)
        self._choose("strategy", STRATEGIES)
        self._choose("optimizer", OPTIMIZERS)
        for name in ("batch", "length", "accumulation", "steps", "world_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise BadRun(f"{name} must be a whole number above 0, not {getattr(self, name)!r}")
        if not self.model_config.get("model_type"):
            raise BadRun("the model's configuration has no model_type")
        if self.world_size > 1 and self.strategy is None:
            raise BadRun("several GPUs need a strategy: ddp or fsdp")

    def _choose(self, name: str, known: tuple[str | None, ...]) -> None:
        if getattr(self, name) not in known:
            raise BadRun(
                f"{name} {getattr(self, name)!r} is not simulated; known: "
                + ", ".join(str(choice) for choice in known)
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SimulatedRun:
        """Read a run from JSON's objects."""
        unknown = sorted(set(values) - {one.name for one in fields(cls)})
        if unknown:
            raise BadRun(f"unknown setting {', '.join(unknown)}")
        if "model_config" not in values:
            raise BadRun("the run names no model_config")
        ready = dict(values)
        if "gpu_capability" in ready:
            ready["gpu_capability"] = tuple(ready["gpu_capability"])
        return cls(**ready)

    def to_dict(self) -> dict[str, Any]:
        """The run as JSON's objects."""
        return asdict(self)
