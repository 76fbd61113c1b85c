"""Optimizer states and gradients: bytes a trainable parameter.

Two float32 moments for Adam (Kingma & Ba 2015) in the parameter's own precision; bitsandbytes'
8-bit optimizers keep one byte for each moment and a float32 absmax for each block of 256, for
tensors of at least 4096 elements (bitsandbytes ``optimizer.py``: ``min_8bit_size``, ``blocksize``);
paged ones live in unified memory that may be the host's, so they count as nothing. Adafactor keeps
a row and a column for each matrix (Shazeer & Stern 2018).
"""

from __future__ import annotations

from lora_rules.engine._startup.record import record
from lora_rules.engine.value import Unknown

ABSMAX = 4 / 256
"""Bytes of float32 absmax for each element of an 8-bit state."""


@record(frozen=True)
class Optimizer:
    """What one optimizer of transformers keeps."""

    states: float = 2.0
    """States a parameter."""
    state_bytes: float | None = None
    """Bytes of each; ``None``: as the parameter."""
    paged: bool = False
    factored: bool = False
    foreach: bool = False
    """Its step makes temporary lists as large as the gradients (torch's ``foreach`` kernels)."""

    def bytes(self, parameters: int, edges: int, width: int) -> float:
        """Bytes of its states.

        Args:
            parameters: how many train.
            edges: rows plus columns of their matrices.
            width: bytes of one parameter.
        """
        if self.paged:
            return 0.0
        if self.factored:
            return 4.0 * edges
        each = width if self.state_bytes is None else self.state_bytes
        return self.states * each * parameters


_ADAM = Optimizer()
_EIGHT = 1 + ABSMAX

OPTIMIZERS = {
    "adamw_torch": Optimizer(foreach=True),
    "adamw_hf": _ADAM,
    "adamw_torch_fused": _ADAM,
    "adamw_torch_xla": Optimizer(foreach=True),
    "adamw_torch_npu_fused": _ADAM,
    "adamw_apex_fused": _ADAM,
    "adamw_anyprecision": Optimizer(state_bytes=2),
    "adamw_torch_4bit": Optimizer(state_bytes=0.5 + 4 / 128),
    "adamw_torch_8bit": Optimizer(state_bytes=_EIGHT),
    "adamw_bnb_8bit": Optimizer(state_bytes=_EIGHT),
    "adamw_8bit": Optimizer(state_bytes=_EIGHT),
    "paged_adamw_32bit": Optimizer(paged=True),
    "paged_adamw_8bit": Optimizer(paged=True),
    "paged_adamw": Optimizer(paged=True),
    "ademamix": Optimizer(3, 4),
    "ademamix_8bit": Optimizer(3, _EIGHT),
    "paged_ademamix_32bit": Optimizer(paged=True),
    "paged_ademamix_8bit": Optimizer(paged=True),
    "lion_32bit": Optimizer(1, 4),
    "lion_8bit": Optimizer(1, _EIGHT),
    "paged_lion_32bit": Optimizer(paged=True),
    "paged_lion_8bit": Optimizer(paged=True),
    "sgd": Optimizer(0),
    "adagrad": Optimizer(1, foreach=True),
    "rmsprop": Optimizer(1, foreach=True),
    "rmsprop_bnb": Optimizer(1, 4),
    "rmsprop_bnb_32bit": Optimizer(1, 4),
    "rmsprop_bnb_8bit": Optimizer(1, _EIGHT),
    "adafactor": Optimizer(factored=True),
    "schedule_free_adamw": _ADAM,
    "schedule_free_radam": _ADAM,
    "schedule_free_sgd": Optimizer(1),
    "stable_adamw": _ADAM,
    "lomo": Optimizer(0),
}
"""By ``optim`` of transformers 5.23.0's ``OptimizerNames``.

GaLore, APOLLO, AdaLOMO and GrokAdamW are not counted: their states depend on projections that the
name does not give. torchao's 4-bit AdamW has blocks of 128 (``optim/adam.py``).
"""


def find_optimizer(name: str) -> Optimizer:
    """What ``optim`` of that name keeps.

    Raises:
        Unknown: if its states are not counted.
    """
    found = OPTIMIZERS.get(name.strip().lower())
    if found is None:
        raise Unknown(f"what the optimizer {name!r} keeps is not known")
    return found
