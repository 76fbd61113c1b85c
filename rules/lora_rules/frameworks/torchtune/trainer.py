"""How torchtune trains (read at bd2a0fc).

Everything is in one ``dtype``, without autocast; NF4 is torchao's, always double
(``recipes/lora_finetune_single_device.py``, ``modules/loss/cross_entropy_loss.py``,
``modules/attention.py``).
"""

from __future__ import annotations

from lora_rules.engine._startup.typed import TYPE_CHECKING
from lora_rules.engine.trainer import (
    Adapted,
    Checkpointing,
    LossPath,
    OwnLoop,
    TrainerBehaviour,
)
from lora_rules.engine.value import Unknown
from lora_rules.engine.version_range import VersionRange

if TYPE_CHECKING:
    from lora_rules.engine.refusals import Written

NAMES = {"output_proj": "o_proj", "w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"}
"""Projections of ``TransformerDecoder`` by transformers' names; the others agree."""
LOSSES = {"LinearCrossEntropyLoss": False, "CEWithChunkedOutputLoss": True}
"""The losses that are modelled, and whether they take chunks of logits that are all there."""
DTYPES = {"bfloat16": "bf16", "bf16": "bf16", "float32": "fp32", "fp32": "fp32", "float": "fp32"}
OPTIMIZERS = {
    "AdamW8bit": "adamw_8bit",
    "PagedAdamW": "paged_adamw",
    "PagedAdamW8bit": "paged_adamw_8bit",
    "SGD": "sgd",
}
"""Classes of torch and bitsandbytes by transformers' names."""


class Trainer(TrainerBehaviour):
    """torchtune's own recipes.

    Keys and values are repeated to as many as queries before attention, as the memory-efficient
    kernel wants them; there is no mask.
    """

    label = "torchtune"
    loss_path = LossPath.TUNE
    one_precision = True
    own_kernels = True
    band = "TORCHTUNE"

    def loss(self, version: VersionRange, *, liger: bool, cut: bool) -> tuple[LossPath, bool]:
        """By the loss's class; a compiled one is as Liger's.

        Three runs of its README are forecast 0 to 5 % too high that way where checkpointing is on.
        """
        if liger:
            return LossPath.LIGER, True
        return (LossPath.TUNE_OUT if cut else LossPath.TUNE), True

    def own_loop(self, keys: Written, *, dtype: str, checkpoints: bool, four_bit: bool) -> OwnLoop:
        """Everything that its files say of the loop.

        Raises:
            Unknown: if something about it is not modelled.
        """
        compiled = _may_be_on(keys, "compile")
        component = str(keys.value("loss._component_")).rpartition(".")[2]
        if component not in LOSSES:
            raise Unknown(f"torchtune's loss {component} is not modelled")
        if dtype not in DTYPES:
            raise Unknown("torchtune trains in bf16 or fp32, and this dtype is neither")
        offloaded = _may_be_on(keys, "enable_activation_offloading")
        kept = Checkpointing.FULL if checkpoints else Checkpointing.NONE
        if compiled and kept is Checkpointing.NONE:
            raise Unknown(
                "what torch.compile keeps of a layer without checkpointing is not modelled"
            )
        return OwnLoop(
            dtype=DTYPES[dtype],
            quantization="nf4-dq" if four_bit else "none",
            checkpointing=Checkpointing.OFFLOADED if checkpoints and offloaded else kept,
            attention="repeated",
            liger=compiled,
            cut=LOSSES[component],
            notes=("of what torch.compile fuses only the loss is counted",) if compiled else (),
        )

    def adapted(self, keys: Written) -> Adapted:
        """Projections of attention by name, the MLP and the head by a switch each.

        Raises:
            Unknown: if the names are not known.
        """
        modules = keys.value("model.lora_attn_modules")
        if not isinstance(modules, list):
            raise Unknown("model.lora_attn_modules or model.lora_rank is not known")
        mlp = keys.value("model.apply_lora_to_mlp") is True
        wanted = [*modules, *(("w1", "w2", "w3") if mlp else ())]
        names = tuple(NAMES.get(str(each), str(each)) for each in wanted)
        return Adapted(names, head=keys.value("model.apply_lora_to_output") is True)

    def optimizer(self, name: str, keys: Written) -> str:
        """A class of torch or bitsandbytes; torch's AdamW is ``foreach`` unless fused."""
        if name == "AdamW":
            fused = _may_be_on(keys, "optimizer.fused")
            return "adamw_torch_fused" if fused else "adamw_torch"
        return OPTIMIZERS.get(name, name)


def _may_be_on(keys: Written, name: str) -> bool:
    return name in keys.keys and not keys.is_unset(name)
